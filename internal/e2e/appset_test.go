package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const aboutArgoSet = `"releases: applicationSets: true" asks for one ApplicationSet a ring, which makes the same
Applications. "darkstart publish" writes it for the release that is pinned: nothing is released again.`

func argoSet(t *testing.T, w *world) {
	manifest := w.fleet.newest(t, w.cluster).Manifest
	bundle := w.unpacked(t, w.fleet.newest(t, w.cluster).Serial, manifest)
	w.fleet.edit(t, "darkstart.cue", "releases: registry:", "releases: applicationSets: true\nreleases: registry:")
	w.fleet.commit(t, "feat: an ApplicationSet a ring")
	w.fleet.publish(t)
	file := filepath.Join(w.fleet.dir, "deploy", "_applicationsets", "ring-1.yaml")
	spec := w.applicationSpec(t)

	start := time.Now()
	w.kubectl(t, "apply", "-f", file)
	w.until(t, "the set owns the Application", func(ctx context.Context) string { return w.ownedBySet(ctx, manifest) })
	if got := w.applicationSpec(t); got != spec {
		t.Errorf("the set makes\n%s\nof\n%s", got, spec)
	}
	w.say("`deploy/_applicationsets/ring-1.yaml` is applied. After %s the set owns the Application that is there, whose spec is as it was.", seconds(time.Since(start)))

	start = time.Now()
	w.kubectl(t, "-n", "argocd", "delete", "application", w.cluster)
	w.until(t, "the set makes the Application", func(ctx context.Context) string { return w.ownedBySet(ctx, manifest) })
	if got := w.applicationSpec(t); got != spec {
		t.Errorf("the set makes\n%s\nand deploy/%s/argocd.yaml has\n%s", got, w.cluster, spec)
	}
	w.say("The Application is deleted: the set made it again, with the same spec, and it was Synced and Healthy after %s.", seconds(time.Since(start)))

	w.kubectl(t, "delete", "-f", file)
	w.until(t, "the Application goes with its set", func(ctx context.Context) string {
		out, err := w.Kubectl(ctx, nil, "-n", "argocd", "get", "applications,applicationsets", "-o", "name")
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(string(out))
	})
	w.nothing(t, bundle, start)
	w.say("The set is deleted, and the Application with it. No object of the cluster was touched by any of this; all %d equal the bundle's.", w.sameAsBundle(t, bundle))
}

// applicationSpec is the spec of the Application, as JSON.
func (w *world) applicationSpec(t *testing.T) string {
	t.Helper()
	return w.kubectl(t, "-n", "argocd", "get", "application", w.cluster, "-o", "jsonpath={.spec}")
}

// ownedBySet says what the Application is, unless a set owns it and all of the
// manifest is applied and healthy.
func (w *world) ownedBySet(ctx context.Context, manifest string) string {
	var a struct {
		Metadata struct{ OwnerReferences []struct{ Kind string } }
	}
	if err := w.Get(ctx, &a, "application", "-n", "argocd", w.cluster); err != nil {
		return err.Error()
	}
	if o := a.Metadata.OwnerReferences; len(o) != 1 || o[0].Kind != "ApplicationSet" {
		return fmt.Sprintf("owned by %v", o)
	}
	return w.notSynced(ctx, manifest)
}
