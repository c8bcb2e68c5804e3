package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
)

// question is a case: a cluster, and a pod that is to be placed in it.
type question struct {
	Objects []json.RawMessage `json:"objects"`
	Probe   json.RawMessage   `json:"probe"`
}

// answer is what the stock scheduler says. Objects and Probe are as the API server would have stored them.
type answer struct {
	// Why the API server would not take the case; nothing else is said then.
	Invalid string           `json:"invalid,omitempty"`
	Objects []runtime.Object `json:"objects,omitempty"`
	Probe   runtime.Object   `json:"probe,omitempty"`
	// Scheduling gates and the like keep the pod out of the queue.
	Gated    bool     `json:"gated"`
	Feasible []string `json:"feasible"`
	// Where it would go; "" if nowhere.
	Chosen string `json:"chosen"`
	// The text of the event, "" if it would be placed. Without what preemption adds if somebody would go.
	Message string `json:"message"`
	// An error that is not a verdict; the pod would be tried again.
	Error string `json:"error,omitempty"`
	// What each node says, by its name; plugin and texts.
	Reasons map[string]reason `json:"reasons"`
	// All nodes on which pods of lower priority could go, in the order of their names.
	Candidates []candidate `json:"candidates"`
	// The node that would be preempted on; "" if none.
	Preempted string `json:"preempted"`
}

type reason struct {
	Plugin string   `json:"plugin"`
	Texts  []string `json:"texts"`
	Final  bool     `json:"final"`
}

type candidate struct {
	Node    string   `json:"node"`
	Victims []string `json:"victims"`
	Broken  int64    `json:"broken"`
}

func newVictims(ctx context.Context, handle framework.Framework) (*defaultpreemption.DefaultPreemption, error) {
	args := &config.DefaultPreemptionArgs{MinCandidateNodesPercentage: 10, MinCandidateNodesAbsolute: 100}
	return defaultpreemption.New(ctx, args, handle, feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate))
}

func (w *world) answer(ctx context.Context, asked question) answer {
	objects, err := w.fill(ctx, asked.Objects)
	if err != nil {
		return answer{Invalid: err.Error()}
	}
	object, err := stored(ctx, asked.Probe)
	if err != nil {
		return answer{Invalid: err.Error()}
	}
	probe, ok := object.(*v1.Pod)
	if !ok {
		return answer{Invalid: fmt.Sprintf("probe is a %T", object)}
	}
	result := answer{Objects: objects, Probe: probe, Feasible: []string{}, Reasons: map[string]reason{}, Candidates: []candidate{}}
	w.decide(ctx, probe, &result)
	return result
}

func (w *world) decide(ctx context.Context, probe *v1.Pod, result *answer) {
	for _, plugin := range w.framework.PreEnqueuePlugins() {
		if status := plugin.PreEnqueue(ctx, probe); !status.IsSuccess() {
			result.Gated = true
			return
		}
	}
	info, err := framework.NewPodInfo(probe)
	if err != nil {
		result.Error = err.Error()
		return
	}
	queued := &framework.QueuedPodInfo{PodInfo: info}
	state := framework.NewCycleState()
	placed, err := w.scheduler.SchedulePod(ctx, w.framework, state, queued)
	var fit *framework.FitError
	switch {
	case err == nil:
		result.Chosen = placed.SuggestedHost
	case errors.As(err, &fit):
		w.preempt(ctx, state, probe, fit, result)
		result.Message = fit.Error()
	case errors.Is(err, scheduler.ErrNoNodesAvailable):
		result.Message = err.Error()
	default:
		result.Error = err.Error()
	}
	w.askNodes(ctx, probe, result)
}

// askNodes asks every node for itself, whatever the scheduler looked at.
func (w *world) askNodes(ctx context.Context, probe *v1.Pod, result *answer) {
	state := framework.NewCycleState()
	before, status, _ := w.framework.RunPreFilterPlugins(ctx, state, probe)
	nodes, err := w.snapshot.NodeInfos().List()
	if err != nil {
		result.Error = err.Error()
		return
	}
	for _, node := range nodes {
		name := node.Node().Name
		told := status
		if status.IsSuccess() && before.AllNodes() || status.IsSuccess() && before.NodeNames.Has(name) {
			told = w.framework.RunFilterPluginsWithNominatedPods(ctx, state, probe, node)
		} else if status.IsSuccess() {
			told = fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "not among the nodes named").WithPlugin("PreFilter")
		}
		if told.IsSuccess() {
			result.Feasible = append(result.Feasible, name)
			continue
		}
		result.Reasons[name] = reason{told.Plugin(), told.Reasons(), told.Code() == fwk.UnschedulableAndUnresolvable}
	}
	sort.Strings(result.Feasible)
}

// preempt finds all candidates, and the text if there is none. Nobody is evicted.
func (w *world) preempt(ctx context.Context, state fwk.CycleState, probe *v1.Pod, fit *framework.FitError, result *answer) {
	statuses := fit.Diagnosis.NodeToStatus
	candidates, err := w.candidates(ctx, state, probe, statuses)
	if err != nil && len(candidates) == 0 {
		result.Error = err.Error()
		return
	}
	if len(candidates) == 0 {
		// The plugin looks the pod up; it does nothing but say why.
		if err := w.pods.GetIndexer().Add(probe); err != nil {
			result.Error = err.Error()
			return
		}
		_, status := w.framework.RunPostFilterPlugins(ctx, state, probe, statuses)
		fit.Diagnosis.PostFilterMsg = status.Message()
		if err := w.pods.GetIndexer().Delete(probe); err != nil {
			result.Error = err.Error()
		}
		return
	}
	for _, found := range candidates {
		told := candidate{Node: found.Name(), Victims: []string{}, Broken: found.Victims().NumPDBViolations}
		for _, victim := range found.Victims().Pods {
			told.Victims = append(told.Victims, string(victim.UID))
		}
		result.Candidates = append(result.Candidates, told)
	}
	sort.Slice(result.Candidates, func(i, j int) bool { return result.Candidates[i].Node < result.Candidates[j].Node })
	result.Preempted = w.victims.Evaluator.SelectCandidate(ctx, candidates).Name()
}

func (w *world) candidates(ctx context.Context, state fwk.CycleState, probe *v1.Pod, statuses fwk.NodeToStatusReader) ([]preemption.Candidate, error) {
	if ok, _ := w.victims.PodEligibleToPreemptOthers(ctx, probe, statuses.Get(probe.Status.NominatedNodeName)); !ok {
		return nil, nil
	}
	nodes, err := statuses.NodesForStatusCode(w.snapshot.NodeInfos(), fwk.Unschedulable)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	budgets, err := w.victims.Evaluator.PdbLister.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	// One more than there can be: the search never ends early.
	most := int32(len(nodes) + 1)
	candidates, _, err := w.victims.Evaluator.DryRunPreemption(ctx, state, probe, nodes, budgets, 0, most)
	return candidates, err
}
