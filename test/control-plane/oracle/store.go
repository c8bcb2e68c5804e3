package main

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
)

// stored makes of an object what the API server would have stored: defaults, and for pods what its strategy does when
// they are created. What it would not take is an error.
func stored(ctx context.Context, raw json.RawMessage) (runtime.Object, error) {
	object, kind, err := legacyscheme.Codecs.UniversalDeserializer().Decode(raw, nil, nil)
	if err != nil {
		return nil, err
	}
	legacyscheme.Scheme.Default(object)
	switch typed := object.(type) {
	case *v1.Pod:
		if object, err = storedPod(ctx, typed); err != nil {
			return nil, err
		}
	case *v1.Node:
		internal := &core.Node{}
		if err := legacyscheme.Scheme.Convert(typed, internal, nil); err != nil {
			return nil, err
		}
		if problems := validation.ValidateNode(internal); len(problems) > 0 {
			return nil, problems.ToAggregate()
		}
	}
	object.GetObjectKind().SetGroupVersionKind(*kind)
	return object, nil
}

func storedPod(ctx context.Context, pod *v1.Pod) (*v1.Pod, error) {
	internal := &core.Pod{}
	if err := legacyscheme.Scheme.Convert(pod, internal, nil); err != nil {
		return nil, err
	}
	status := internal.Status
	podregistry.Strategy.PrepareForCreate(ctx, internal)
	deletion, grace := internal.DeletionTimestamp, internal.DeletionGracePeriodSeconds
	internal.DeletionTimestamp, internal.DeletionGracePeriodSeconds = nil, nil
	problems := podregistry.Strategy.Validate(ctx, internal)
	internal.DeletionTimestamp, internal.DeletionGracePeriodSeconds = deletion, grace
	if len(problems) > 0 {
		return nil, fmt.Errorf("pod %s: %w", pod.Name, field.ErrorList(problems).ToAggregate())
	}
	internal.Status = status
	result := &v1.Pod{}
	if err := legacyscheme.Scheme.Convert(internal, result, nil); err != nil {
		return nil, err
	}
	return result, nil
}
