package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

const aboutDrift = `"kubectl get -o json" exports what staging has, of the kinds that its bundle has. The API
server has filled in its defaults by then, and controllers have left their marks.`

func drift(t *testing.T, w *world) {
	out, status := w.live(t)
	if status != 0 || !strings.Contains(out, "0 changed, 0 missing, 0 extra") || strings.Contains(out, "the export holds") {
		t.Errorf("drift after an apply: exit status %d\n%s", status, out)
	}
	w.say("`darkstart verify --live` verifies the bundle, and finds that every object of it is as it says.")

	w.kubectl(t, "-n", "shop", "scale", "deployment", "shop", "--replicas=1")
	w.kubectl(t, "-n", "shop", "set", "env", "deployment/shop", "DATABASE_HOST=elsewhere")
	w.kubectl(t, "-n", "shop", "delete", "service", "shop")
	out, status = w.live(t)
	if status != 1 || !strings.Contains(out, "1 changed, 1 missing, 0 extra") {
		t.Errorf("drift by hand: exit status %d\n%s", status, out)
	}
	for _, want := range []string{
		"missing      Service/shop/shop", "changed      apps/Deployment/shop/shop",
		"/spec/replicas: 1, and the bundle says 3", `/env/DATABASE_HOST/value: "elsewhere", and the bundle says "database.database.svc"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("verify --live does not say %q:\n%s", want, out)
		}
	}
	w.say("Somebody scales the shop to one, sends it to another database and deletes its Service: exit status 1, and a line for each of the three.")

	w.flux(t, "reconcile", "kustomization", "shop-run")
	w.until(t, "no drift", func(context.Context) string {
		if out, status := w.live(t); status != 0 {
			return out
		}
		return ""
	})
	w.say("`flux reconcile kustomization shop-run`: Flux puts it right, and `verify --live` finds nothing again.")
}

// live compares the cluster with the newest release by verify --live.
func (w *world) live(t *testing.T) (out string, status int) {
	t.Helper()
	kinds := map[string]bool{}
	items := inventory(t, w.extract(t, "expected"))
	names := w.resources(t, items)
	for _, i := range items {
		resource := names[i.APIVersion+"/"+i.Kind]
		if group, _, ok := strings.Cut(i.APIVersion, "/"); ok {
			resource += "." + group
		}
		kinds[resource] = true
	}
	dump := filepath.Join(w.dir, "dump.json")
	export := w.kubectl(t, "get", strings.Join(slices.Sorted(maps.Keys(kinds)), ","), "-A", "-o", "json")
	if err := os.WriteFile(dump, []byte(export), 0o644); err != nil {
		t.Fatal(err)
	}
	return w.fleet.darkstart(t, "verify", "oci://"+w.ref(t), "--artifact", w.cluster, "--key", w.pub, "--live", dump)
}

// ref names the newest bundle of the cluster by digest.
func (w *world) ref(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("%s/fleet/%s@%s", w.Registry, w.cluster, w.fleet.newest(t, w.cluster).Manifest)
}

// flux runs the stock command line of Flux.
func (w *world) flux(t *testing.T, args ...string) string {
	t.Helper()
	return w.must(t, w.dir, w.Program(programs.Flux), append(args, "-n", "flux-system")...)
}
