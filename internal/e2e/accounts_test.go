package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const aboutAccounts = `Each Kustomization acts as the account of its component. The accounts and what they may
do are in deploy/staging/access.yaml, which a person applied. The API server, which authorizes by RBAC,
is asked the same as each of them, as a dry run.`

func accounts(t *testing.T, w *world) {
	bundle := w.extract(t, "accounts")
	list, err := w.kustomizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user := map[string]string{} // by part
	for _, k := range list {
		if k.Spec.ServiceAccountName == "" {
			t.Errorf("%s acts as Flux itself", k.Metadata.Name)
		}
		user[k.part()] = "system:serviceaccount:flux-system:" + k.Spec.ServiceAccountName
	}
	items := map[string][]item{} // by account
	for _, i := range inventory(t, bundle) {
		items[user[i.Part]] = append(items[user[i.Part]], i)
	}
	var may, mayNot, stay int
	for account, mine := range items {
		if out, err := w.as(t, account, bundle, mine, "apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller"); err != nil {
			t.Errorf("%s may not apply its own objects:\n%s", account, out)
		}
		may += len(mine)
		for other, theirs := range items {
			if other == account {
				continue
			}
			out, _ := w.as(t, account, bundle, theirs, "apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller")
			if n := strings.Count(out, "is forbidden"); n != len(theirs) {
				t.Errorf("%s is refused %d of the %d objects of %s:\n%s", account, n, len(theirs), other, out)
			}
			mayNot += len(theirs)
		}
		var kept []item
		for _, i := range mine {
			if i.Keep {
				kept = append(kept, i)
			}
		}
		if len(kept) == 0 {
			continue
		}
		out, _ := w.as(t, account, bundle, kept, "delete", "--wait=false")
		if n := strings.Count(out, "is forbidden"); n != len(kept) {
			t.Errorf("%s is refused %d of %d objects that are never pruned:\n%s", account, n, len(kept), out)
		}
		stay += len(kept)
	}
	if len(items) < 4 || mayNot < may || stay == 0 {
		t.Fatalf("%d accounts, %d and %d requests: this proves nothing", len(items), may, mayNot)
	}
	w.say("%d accounts may apply the %d objects of their components. Of the other components' they may apply none (%d requests, all forbidden), and of their own they may not delete the %d that are never pruned.",
		len(items), may, mayNot, stay)
	w.acted(t, bundle, user)
}

// as runs kubectl on files of a bundle as another user, changing nothing. It
// returns what was said.
func (w *world) as(t *testing.T, user, bundle string, items []item, args ...string) (string, error) {
	t.Helper()
	args = append(args, "--dry-run=server", "--as="+user)
	for _, i := range items {
		args = append(args, "-f", filepath.Join(bundle, i.File))
	}
	out, err := w.Kubectl(t.Context(), nil, args...)
	if err != nil {
		return string(out) + err.Error(), err
	}
	return string(out), nil
}

// acted demands that everything that Flux changed in a part was changed as the
// part's account.
func (w *world) acted(t *testing.T, bundle string, user map[string]string) {
	t.Helper()
	parts := w.parts(t, inventory(t, bundle))
	changes := 0
	for _, e := range by(w.applier, w.audit(t, time.Time{})) {
		part, ok := parts[e.id()]
		if !ok || e.dry() || e.ResponseStatus.Code >= 300 {
			continue
		}
		changes++
		if e.ImpersonatedUser.Username != user[part] {
			t.Errorf("%s of %s was done as %q", e.Verb, e.id(), e.ImpersonatedUser.Username)
		}
	}
	if changes == 0 {
		t.Fatal("the audit log shows no change by Flux: this proves nothing")
	}
	w.say("By the audit log, Flux made every change to an object of the bundle as the account of its part.")
}
