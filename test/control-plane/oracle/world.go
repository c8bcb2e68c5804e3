package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/profile"
)

// nowhere is what the client is given: nothing here writes, and what tried to would fail.
const nowhere = "http://127.0.0.1:1"

// world is a scheduler and the informers that it knows everything from.
type world struct {
	scheduler *scheduler.Scheduler
	framework framework.Framework
	snapshot  *internalcache.Snapshot
	victims   *defaultpreemption.DefaultPreemption
	pods      *handInformer
	// In the order in which they are emptied.
	informers []*handInformer
	byKind    map[string]*handInformer
}

func newWorld(ctx context.Context) (*world, error) {
	client, err := kubernetes.NewForConfig(&restclient.Config{Host: nowhere})
	if err != nil {
		return nil, err
	}
	made := &world{byKind: map[string]*handInformer{}}
	factory := made.informersByHand(client)
	recorders := profile.NewRecorderFactory(events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()}))
	var dynamic dynamicinformer.DynamicSharedInformerFactory
	made.scheduler, err = scheduler.New(ctx, client, factory, dynamic, recorders)
	if err != nil {
		return nil, err
	}
	made.framework = made.scheduler.Profiles[v1.DefaultSchedulerName]
	snapshot, ok := made.framework.SnapshotSharedLister().(*internalcache.Snapshot)
	if !ok {
		return nil, fmt.Errorf("snapshot is a %T", made.framework.SnapshotSharedLister())
	}
	made.snapshot = snapshot
	made.victims, err = newVictims(ctx, made.framework)
	return made, err
}

// informersByHand puts informers that are filled by hand in the place of those of the kinds that cases have.
func (w *world) informersByHand(client kubernetes.Interface) informers.SharedInformerFactory {
	factory := informers.NewSharedInformerFactory(client, 0)
	for _, entry := range []struct {
		kind   string
		object runtime.Object
	}{
		{"Pod", &v1.Pod{}},
		{"Node", &v1.Node{}},
		{"PersistentVolumeClaim", &v1.PersistentVolumeClaim{}},
		{"PersistentVolume", &v1.PersistentVolume{}},
		{"StorageClass", &storagev1.StorageClass{}},
		{"CSINode", &storagev1.CSINode{}},
		{"CSIDriver", &storagev1.CSIDriver{}},
		{"CSIStorageCapacity", &storagev1.CSIStorageCapacity{}},
		{"VolumeAttachment", &storagev1.VolumeAttachment{}},
		{"PodDisruptionBudget", &policyv1.PodDisruptionBudget{}},
		{"Namespace", &v1.Namespace{}},
	} {
		indexers := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
		informer := &handInformer{SharedIndexInformer: cache.NewSharedIndexInformer(&cache.ListWatch{}, entry.object, 0, indexers)}
		factory.InformerFor(entry.object, func(kubernetes.Interface, time.Duration) cache.SharedIndexInformer { return informer })
		w.byKind[entry.kind] = informer
		w.informers = append(w.informers, informer)
	}
	w.pods = w.byKind["Pod"]
	return factory
}

// fill replaces everything in the world and returns the objects as they are stored.
func (w *world) fill(ctx context.Context, raws []json.RawMessage) ([]runtime.Object, error) {
	for _, informer := range w.informers {
		if err := informer.clear(); err != nil {
			return nil, err
		}
	}
	var objects []runtime.Object
	for _, raw := range raws {
		object, err := stored(ctx, raw)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
		kind := object.GetObjectKind().GroupVersionKind().Kind
		informer := w.byKind[kind]
		if informer == nil {
			return nil, fmt.Errorf("cases have no objects of kind %s", kind)
		}
		if pod, ok := object.(*v1.Pod); ok && (pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed) {
			continue // The scheduler's informer selects by phase.
		}
		if err := informer.add(object); err != nil {
			return nil, err
		}
	}
	return objects, w.scheduler.Cache.UpdateSnapshot(klog.FromContext(ctx), w.snapshot)
}
