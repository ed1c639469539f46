package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const guard = "_guard" // the part that remembers the serial

type condition struct{ Type, Status, Reason, Message string }

// kustomization is what this test reads of a Kustomization.
type kustomization struct {
	Metadata struct {
		Name       string
		Generation int64
	}
	Spec struct {
		Path               string
		ServiceAccountName string
		DependsOn          []struct{ Name string }
	}
	Status struct {
		ObservedGeneration    int64
		LastAppliedRevision   string
		LastAttemptedRevision string
		Conditions            []condition
	}
}

func (k kustomization) condition(kind string) condition {
	if i := slices.IndexFunc(k.Status.Conditions, func(c condition) bool { return c.Type == kind }); i >= 0 {
		return k.Status.Conditions[i]
	}
	return condition{Type: kind, Status: "Unknown"}
}

// part is the component and part that the Kustomization applies.
func (k kustomization) part() string { return strings.TrimPrefix(k.Spec.Path, "./parts/") }

func (w *world) kustomizations(ctx context.Context) ([]kustomization, error) {
	var list struct{ Items []kustomization }
	err := w.Get(ctx, &list, "kustomizations.kustomize.toolkit.fluxcd.io", "-n", "flux-system", "-l", "darkstart.dev/cluster="+w.cluster)
	return list.Items, err
}

// source is what this test reads of an OCIRepository.
type source struct {
	Metadata struct{ Generation int64 }
	Status   struct {
		ObservedGeneration int64
		Artifact           struct{ Digest, Revision string }
		Conditions         []condition
	}
}

func (w *world) source(ctx context.Context, name string) (source, error) {
	var s source
	err := w.Get(ctx, &s, "ocirepository", "-n", "flux-system", name)
	return s, err
}

// notReady says which Kustomizations are not Ready on the manifest; "" is all.
func (w *world) notReady(ctx context.Context, manifest string) string {
	list, err := w.kustomizations(ctx)
	if err != nil {
		return err.Error()
	}
	if len(list) == 0 {
		return "no Kustomization"
	}
	var out []string
	for _, k := range list {
		ready := k.condition("Ready")
		if ready.Status == "True" && k.Status.ObservedGeneration == k.Metadata.Generation && strings.Contains(k.Status.LastAppliedRevision, manifest) {
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s %s on %q", k.Metadata.Name, ready.Reason, ready.Message, k.Status.LastAppliedRevision))
	}
	return strings.Join(out, "\n")
}

// deploy applies the pins of a clone with kubectl, removing what is pinned no
// more, and waits until Flux has applied all of the bundle.
func (w *world) deploy(t *testing.T, c *clone) {
	t.Helper()
	w.pin(t, c)
	manifest := c.newest(t, w.cluster).Manifest
	w.until(t, "Flux applies "+manifest, func(ctx context.Context) string { return w.notReady(ctx, manifest) })
}

// pin applies the pins only.
func (w *world) pin(t *testing.T, c *clone) {
	t.Helper()
	w.kubectl(t, "apply", "-f", filepath.Join(c.pins(w.cluster), "access-namespaces.yaml"))
	args := []string{"apply", "-f", filepath.Join(c.pins(w.cluster), "access.yaml"), "-f", filepath.Join(c.pins(w.cluster), "flux.yaml"), "--prune", "-l", "darkstart.dev/cluster=" + w.cluster}
	for _, kind := range []string{
		"kustomize.toolkit.fluxcd.io/v1/Kustomization", "core/v1/ServiceAccount", "rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/RoleBinding",
		"rbac.authorization.k8s.io/v1/ClusterRole", "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
	} {
		args = append(args, "--prune-allowlist="+kind)
	}
	w.kubectl(t, args...)
}

// item is one object of a bundle's inventory.
type item struct {
	APIVersion, Kind, Namespace, Name string
	Part, File                        string
	Wave                              int
	Keep                              bool
}

// id is the object as the audit log names it.
func (i item) id(resources map[string]string) string {
	group, _, ok := strings.Cut(i.APIVersion, "/")
	if !ok {
		group = ""
	}
	return strings.Join([]string{group, resources[i.APIVersion+"/"+i.Kind], i.Namespace, i.Name}, "/")
}

func inventory(t *testing.T, bundle string) []item {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(bundle, "meta", "inventory.json"))
	if err != nil {
		t.Fatal(err)
	}
	var inv struct{ Objects []item }
	if err := json.Unmarshal(b, &inv); err != nil {
		t.Fatal(err)
	}
	if len(inv.Objects) == 0 {
		t.Fatalf("%s: an empty inventory proves nothing", bundle)
	}
	// The guard is of the release, not of the content: no inventory lists it.
	for kind, file := range map[string]string{
		"ValidatingAdmissionPolicy": "policy.yaml", "ValidatingAdmissionPolicyBinding": "binding.yaml",
	} {
		inv.Objects = append(inv.Objects, item{
			APIVersion: "admissionregistration.k8s.io/v1", Kind: kind, Name: "darkstart-guard", Part: guard, File: "parts/_guard/" + file, Keep: true,
		})
	}
	return append(inv.Objects, item{
		APIVersion: "v1", Kind: "ConfigMap", Namespace: "kube-system", Name: "darkstart-guard", Part: guard, File: "parts/_guard/configmap.yaml", Keep: true,
	})
}

// sameAsBundle demands that every object of the bundle is in the cluster with
// every field that the bundle sets: kubectl's own diff, by the API server's
// own merge, finds nothing. It returns the number of objects.
func (w *world) sameAsBundle(t *testing.T, bundle string) int {
	t.Helper()
	items := inventory(t, bundle)
	args := []string{"diff", "--server-side", "--force-conflicts", "--field-manager=e2e"}
	for _, i := range items {
		args = append(args, "-f", filepath.Join(bundle, i.File))
	}
	if out, err := w.Kubectl(t.Context(), nil, args...); err != nil {
		t.Errorf("the cluster differs from the bundle: %v\n%s", err, out)
	}
	return len(items)
}

// resources maps apiVersion/kind to the name that URLs use.
func (w *world) resources(t *testing.T, items []item) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, i := range items {
		key := i.APIVersion + "/" + i.Kind
		if out[key] != "" {
			continue
		}
		path := "/apis/" + i.APIVersion
		if !strings.Contains(i.APIVersion, "/") {
			path = "/api/" + i.APIVersion
		}
		var list struct{ Resources []struct{ Name, Kind string } }
		if err := json.Unmarshal([]byte(w.kubectl(t, "get", "--raw", path)), &list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Resources {
			if !strings.Contains(r.Name, "/") {
				out[i.APIVersion+"/"+r.Kind] = r.Name
			}
		}
	}
	return out
}

// parts maps the id of each object to its part.
func (w *world) parts(t *testing.T, items []item) map[string]string {
	t.Helper()
	names := w.resources(t, items)
	out := make(map[string]string, len(items))
	for _, i := range items {
		out[i.id(names)] = i.Part
	}
	return out
}

// span is when a part was touched first, and when it became Ready, with one
// manifest. What came before the attempt was of the release before: a changed
// Kustomization is applied at once, with the artifact that is there.
type span struct {
	attempted    bool
	first, ready time.Time
}

// inOrder demands that no part was touched, not even to ask what would change,
// before every part that it depends on was Ready on this manifest. It returns
// the parts in the order in which they became Ready.
func (w *world) inOrder(t *testing.T, bundle, manifest string, since time.Time) []string {
	t.Helper()
	list, err := w.kustomizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spans := w.spans(t, bundle, manifest, since)
	part := map[string]string{}
	for _, k := range list {
		part[k.Metadata.Name] = k.part()
	}
	edges := 0
	for _, k := range list {
		mine := spans[k.part()]
		if mine == nil || mine.first.IsZero() || mine.ready.IsZero() {
			t.Errorf("the audit log does not show %s being applied and Ready", k.part())
			continue
		}
		for _, d := range k.Spec.DependsOn {
			edges++
			if before := spans[part[d.Name]]; before == nil || !before.ready.Before(mine.first) {
				t.Errorf("%s was touched before %s was Ready", k.part(), part[d.Name])
			}
		}
	}
	if edges == 0 {
		t.Error("nothing depends on anything: this proves nothing")
	}
	var order []string
	for _, k := range list {
		order = append(order, k.part())
	}
	slices.SortFunc(order, func(a, b string) int { return spans[a].ready.Compare(spans[b].ready) })
	return order
}

func (w *world) spans(t *testing.T, bundle, manifest string, since time.Time) map[string]*span {
	t.Helper()
	items := inventory(t, bundle)
	parts := w.parts(t, items)
	out := map[string]*span{}
	for _, i := range items {
		out[i.Part] = &span{}
	}
	for _, e := range by(w.applier, w.audit(t, since)) {
		if e.ResponseStatus.Code >= 300 {
			continue // a conflict, or an object that is no more
		}
		if e.ObjectRef.Resource == "kustomizations" && e.ObjectRef.Subresource == "status" {
			var k kustomization
			if err := json.Unmarshal(e.ResponseObject, &k); err != nil {
				t.Fatal(err)
			}
			s := out[k.part()]
			if s != nil && strings.Contains(k.Status.LastAttemptedRevision, manifest) {
				s.attempted = true
			}
			if s != nil && s.ready.IsZero() && k.condition("Ready").Status == "True" && strings.Contains(k.Status.LastAppliedRevision, manifest) {
				s.ready = e.At
			}
		} else if s := out[parts[e.id()]]; s != nil && s.attempted && s.first.IsZero() {
			s.first = e.At
		}
	}
	return out
}
