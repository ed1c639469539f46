package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const aboutUpgrade = `The shop gets another setting. The release after it differs from the first in one
Deployment and in its serial.`

func upgrade(t *testing.T, w *world) {
	start := time.Now()
	w.fleet.edit(t, "components/shop/deployment.yaml", "- {name: DATABASE_HOST,", "- {name: BANNER, value: two}\n            - {name: DATABASE_HOST,")
	w.fleet.commit(t, "feat(shop): a banner")
	w.next(t, 2)
	w.arrived(t, start)
	if got := w.kubectl(t, "-n", "shop", "get", "deployment", "shop", "-o", "jsonpath={.spec.template.spec.containers[0].env[0].value}"); got != "two" {
		t.Errorf("BANNER is %q", got)
	}
}

// next releases HEAD and demands the serial that the cluster gets.
func (w *world) next(t *testing.T, serial int, args ...string) {
	t.Helper()
	w.fleet.release(t, args...)
	if e := w.fleet.newest(t, w.cluster); e.Serial != serial {
		t.Fatalf("serial %d, want %d", e.Serial, serial)
	}
	w.say("Released as serial %d.", serial)
}

// arrived deploys the newest release and demands all that every release has to
// show: order, and nothing different from the bundle. It returns the bundle.
func (w *world) arrived(t *testing.T, start time.Time) string {
	t.Helper()
	w.deploy(t, w.fleet)
	bundle := w.extract(t, fmt.Sprintf("applied-%d", w.fleet.newest(t, w.cluster).Serial))
	w.inOrder(t, bundle, w.fleet.newest(t, w.cluster).Manifest, start)
	w.say("After %s every part of %s was Ready on the new digest, none touched before those that it depends on were; all %d objects equal the bundle's.",
		seconds(time.Since(start)), w.cluster, w.sameAsBundle(t, bundle))
	w.handOver(t, bundle)
	return bundle
}

const aboutRollback = `The commit is reverted. Going back is going on: the old content under a new serial.`

func rollback(t *testing.T, w *world) {
	start := time.Now()
	w.revert(t, "feat(shop): a banner")
	w.next(t, 3)
	entries := w.fleet.records(t, "main").Artifacts[w.cluster]
	if entries[2].Content != entries[0].Content || entries[2].Manifest == entries[0].Manifest {
		t.Errorf("serial 3 is not serial 1's content in a new release: %+v", entries)
	}
	w.say("Its content digest is that of serial 1, its manifest is another.")
	w.arrived(t, start)
	if got := w.kubectl(t, "-n", "shop", "get", "deployment", "shop", "-o", "jsonpath={.spec.template.spec.containers[0].env[*].name}"); strings.Contains(got, "BANNER") {
		t.Errorf("the environment still has %s", got)
	}
}

// revert reverts the newest commit with that subject.
func (w *world) revert(t *testing.T, subject string) {
	t.Helper()
	id := w.fleet.git(t, "log", "-1", "--format=%H", "--fixed-strings", "--grep="+subject)
	w.fleet.git(t, "revert", "--no-edit", id)
}

const aboutPrune = `A ConfigMap leaves the queue; then the whole queue leaves the fleet, and with it a
StatefulSet with its volumes and a namespace.`

func prune(t *testing.T, w *world) {
	start := time.Now()
	w.fleet.edit(t, "components/queue/kustomization.yaml", "  - configmap.yaml\n", "")
	w.fleet.commit(t, "feat(queue): no settings")
	w.next(t, 4)
	before := w.arrived(t, start)
	if got := deleted(w.applier, w.audit(t, start)); !slices.Equal(got, []string{"/configmaps/queue/settings"}) {
		t.Errorf("Flux deleted %v", got)
	}
	w.say("Flux deleted the ConfigMap and nothing else.")

	start = time.Now()
	w.fleet.edit(t, "clusters/base.cue", "\t\"fleet.example/components/queue\"\n", "")
	w.fleet.edit(t, "clusters/base.cue", "\t\"queue\":    queue.component\n", "")
	w.fleet.commit(t, "feat: no queue")
	w.refusedByDR007(t, "Namespace/queue")
	w.waive(t, "no-queue", "Namespace/queue")
	w.next(t, 5)
	w.arrived(t, start)
	w.until(t, "the queue's Kustomizations are gone", func(ctx context.Context) string {
		out, err := w.Kubectl(ctx, nil, "-n", "flux-system", "get", "kustomizations", "-o", "name")
		if err != nil || strings.Contains(string(out), "queue") {
			return fmt.Sprint(string(out), err)
		}
		return ""
	})
	w.onlyKept(t, before, "queue", start)
}

// onlyKept demands that of a component exactly those objects are left that its
// bundle kept, and that the engine deleted the others.
func (w *world) onlyKept(t *testing.T, bundle, component string, since time.Time) {
	t.Helper()
	parts := w.parts(t, inventory(t, bundle))
	keep := map[string]bool{}
	for _, i := range inventory(t, bundle) {
		keep[i.Part+i.Kind+i.Name] = i.Keep
	}
	gone := deleted(w.applier, w.audit(t, since))
	var kept []string
	for _, i := range inventory(t, bundle) {
		if !strings.HasPrefix(i.Part, component+"/") {
			continue
		}
		id := i.id(w.resources(t, inventory(t, bundle)))
		switch {
		case i.Keep && slices.Contains(gone, id):
			t.Errorf("%s deleted %s, which holds data", w.engine, id)
		case i.Keep:
			kept = append(kept, fmt.Sprintf("%s/%s", i.Kind, i.Name))
		case !slices.Contains(gone, id):
			t.Errorf("%s is left", id)
		}
	}
	for _, id := range gone {
		if !strings.HasPrefix(parts[id], component+"/") && !strings.Contains(id, "/kustomizations/") {
			t.Errorf("%s deleted %s of %s", w.engine, id, parts[id])
		}
	}
	pods := strings.Fields(w.kubectl(t, "-n", component, "get", "pods,pvc", "-o", "name"))
	if len(kept) == 0 || len(pods) == 0 {
		t.Errorf("nothing stateful was there to be kept: %v %v", kept, pods)
	}
	w.say("%s deleted what was stateless. Left: %s, with %d Pods and volume claims.", w.engine, strings.Join(kept, ", "), len(pods))
}

// refusedByDR007 demands that release refuses, and names each object.
func (w *world) refusedByDR007(t *testing.T, objects ...string) {
	t.Helper()
	out, status := w.fleet.darkstart(t, "release", "--key", w.key, "-v")
	if status != 1 || !strings.Contains(out, "DR007") {
		t.Fatalf("release: exit status %d\n%s", status, out)
	}
	for _, o := range objects {
		if !strings.Contains(out, fmt.Sprintf("%q", o)) {
			t.Errorf("release does not name %s:\n%s", o, out)
		}
	}
	w.say("`darkstart release` refuses (DR007) until a waiver names %s.", strings.Join(objects, " and "))
}

// waive accepts DR007 for objects in both clusters, until in thirty days.
func (w *world) waive(t *testing.T, name string, objects ...string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("package waivers\n")
	for i, o := range objects {
		fmt.Fprintf(&b, "\nwaivers: \"%s-%d\": {\n\trule: \"DR007\"\n\tobject: %q\n\treason: \"decided with those who own the data\"\n\towner: \"platform\"\n\tticket: \"OPS-%d\"\n\texpires: %q\n}\n",
			name, i, o, i, time.Now().AddDate(0, 0, 30).Format(time.DateOnly))
	}
	w.fleet.write(t, "waivers/"+name+".cue", b.String())
	w.fleet.commit(t, "waive "+name)
}

// unwaive takes waivers away that have done their work.
func (w *world) unwaive(t *testing.T, name string) {
	t.Helper()
	w.fleet.git(t, "rm", "-q", "waivers/"+name+".cue")
	w.fleet.commit(t, "the waiver for "+name+" has done its work")
}
