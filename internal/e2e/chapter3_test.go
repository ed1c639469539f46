package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const aboutPhases = `The queue comes back, adopting what it left. Then a phase is put between two others, and
the queue moves into it. Every part has a Kustomization of its own, so that this changes nothing but
"dependsOn".`

func phases(t *testing.T, w *world) {
	start := time.Now()
	w.unwaive(t, "no-queue")
	w.revert(t, "feat: no queue")
	w.next(t, 6)
	before := w.arrived(t, start)
	claims := w.uids(t, before)

	start = time.Now()
	w.fleet.edit(t, "clusters/base.cue", "\t{\n\t\tname: \"apps\"", phase("messaging")+"\t{\n\t\tname: \"apps\"")
	w.fleet.edit(t, "components/queue/component.cue", `phase: "apps"`, `phase: "messaging"`)
	w.fleet.commit(t, "feat: a phase for messaging, before the shop")
	w.refusedByDR007(t, "Namespace/queue", "apps/StatefulSet/queue/queue")
	w.waive(t, "queue-moves", "Namespace/queue", "apps/StatefulSet/queue/queue")
	w.next(t, 7)
	after := w.arrived(t, start)
	w.movedOnly(t, before, after)
	if got := deleted(w.applier, w.audit(t, start)); len(got) > 0 {
		t.Errorf("Flux deleted %v", got)
	}
	if got := w.uids(t, after); !maps.Equal(got, claims) {
		t.Errorf("objects were made anew: %v, before %v", got, claims)
	}
	w.say("Flux deleted nothing, and every object is the one that was there (by its uid).")
	w.unwaive(t, "queue-moves")
}

// movedOnly demands that a component went to another wave and kept its files.
func (w *world) movedOnly(t *testing.T, before, after string) {
	t.Helper()
	waves := func(bundle string) (wave map[string]int, files []string) {
		wave = map[string]int{}
		for _, i := range inventory(t, bundle) {
			wave[i.Part] = i.Wave
			files = append(files, i.File)
		}
		slices.Sort(files)
		return wave, files
	}
	was, filesBefore := waves(before)
	is, filesAfter := waves(after)
	if was["queue/run"] != was["shop/run"] || is["queue/run"] >= is["shop/run"] {
		t.Errorf("the queue did not move before the shop: %v, %v", was, is)
	}
	if !slices.Equal(filesBefore, filesAfter) {
		t.Errorf("files differ: %v, %v", filesBefore, filesAfter)
	}
	w.say("`queue/run` was in one wave with `shop/run`, and is in one before it now.")
}

// uids maps each object of a bundle to the uid that the API server gave it.
func (w *world) uids(t *testing.T, bundle string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, i := range inventory(t, bundle) {
		out[i.Kind+"/"+i.Namespace+"/"+i.Name] = w.kubectl(t, "get", "-f", filepath.Join(bundle, i.File), "-o", "jsonpath={.metadata.uid}")
	}
	return out
}

const aboutGate = `The database asks for nodes that do not exist: its Pods stay Pending. Its gate is
"status.readyReplicas == spec.replicas", which is true of the old Pods in the moment the new template
arrives; the gate in the bundle also asks whose status it is.`

func gate(t *testing.T, w *world) {
	good := w.fleet.newest(t, w.cluster).Manifest
	start := time.Now()
	w.fleet.edit(t, "components/database/statefulset.yaml", "      automountServiceAccountToken: false\n",
		"      automountServiceAccountToken: false\n      nodeSelector: {disk: nvme}\n")
	w.fleet.edit(t, "components/shop/deployment.yaml", "- {name: DATABASE_HOST,", "- {name: DISK, value: nvme}\n            - {name: DATABASE_HOST,")
	w.fleet.commit(t, "feat(database): faster disks")
	w.next(t, 2)
	w.pin(t, w.fleet)
	bad := w.fleet.newest(t, w.cluster).Manifest
	w.until(t, "the gate of database/run fails", func(ctx context.Context) string {
		return w.stopped(ctx, "database-run", "HealthCheckFailed", "")
	})
	w.say("After %s `database/run` is not Ready: HealthCheckFailed.", seconds(time.Since(start)))
	w.until(t, "the next phase waits", func(ctx context.Context) string {
		return w.stopped(ctx, "shop-run", "DependencyNotReady", good)
	})
	w.untouched(t, []string{"shop/run"}, start)
	w.say("The phase after it waits (DependencyNotReady) on the release before: no object of `shop/run` was touched.")
	if out := w.kubectl(t, "-n", "flux-system", "get", "kustomization", "shop-run", "-o", "jsonpath={.status.lastAppliedRevision}"); strings.Contains(out, bad) {
		t.Errorf("shop-run was applied: %s", out)
	}
	start = time.Now()
	w.revert(t, "feat(database): faster disks")
	w.next(t, 3)
	w.unstick(t)
	w.arrived(t, start)
}

// unstick mends a broken rolling update by the newest release.
func (w *world) unstick(t *testing.T) {
	t.Helper()
	w.pin(t, w.fleet)
	w.freePod(t)
	// Not to wait for the engine's next try.
	w.kubectl(t, "-n", "flux-system", "annotate", "--overwrite", "kustomization", "database-run", "reconcile.fluxcd.io/requestedAt="+time.Now().Format(time.RFC3339Nano))
	w.say("The fix is a release too. The Pod that is stuck is deleted by hand, as Kubernetes documents for a StatefulSet.")
}

// freePod does what Kubernetes documents for a broken rolling update: the
// StatefulSet controller waits for the broken Pod to come up before it takes
// it away, also when the template is good again.
func (w *world) freePod(t *testing.T) {
	t.Helper()
	w.until(t, "the StatefulSet is the good one", func(ctx context.Context) string {
		out, err := w.Kubectl(ctx, nil, "-n", "database", "get", "statefulset", "database", "-o", "jsonpath={.spec.template.spec.nodeSelector}")
		if err != nil {
			return err.Error()
		}
		return string(out)
	})
	w.kubectl(t, "-n", "database", "delete", "pod", "-l", "app=database", "--field-selector=status.phase=Pending")
}

// stopped says why a Kustomization is not stopped for a reason, on a revision.
func (w *world) stopped(ctx context.Context, name, reason, manifest string) string {
	list, err := w.kustomizations(ctx)
	if err != nil {
		return err.Error()
	}
	i := slices.IndexFunc(list, func(k kustomization) bool { return k.Metadata.Name == name })
	if i < 0 {
		return "not there"
	}
	ready := list[i].condition("Ready")
	if ready.Status == "False" && ready.Reason == reason && strings.Contains(list[i].Status.LastAppliedRevision, manifest) {
		return ""
	}
	return fmt.Sprintf("%+v on %s", ready, list[i].Status.LastAppliedRevision)
}

// untouched demands that the applier has not even asked about objects of the
// parts.
func (w *world) untouched(t *testing.T, parts []string, since time.Time) {
	t.Helper()
	partOf := w.parts(t, inventory(t, w.extract(t, "not-applied")))
	for _, e := range by(w.applier, w.audit(t, since)) {
		if slices.Contains(parts, partOf[e.id()]) {
			b, _ := json.Marshal(e.ObjectRef)
			t.Errorf("%s %s of %s at %s", e.Verb, b, partOf[e.id()], e.At)
		}
	}
}
