package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

// rings prepares two more clusters, one for each ring, of one fleet of their
// own: staging, and beside it prod.
func rings(t *testing.T, first *world) *world {
	w := first.another(t, "rings", "staging")
	w.peer = first.another(t, filepath.Join("rings", "prod"), "prod")
	w.peer.page = w.page
	return w
}

// both does something to the two clusters at once.
func (w *world) both(f func(*world) error) error {
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i, c := range []*world{w, w.peer} {
		group.Go(func() { errs[i] = f(c) })
	}
	group.Wait()
	return errors.Join(errs...)
}

const aboutRings = `Two more clusters of the same programs, for a fleet of their own: staging is the first ring
and prod the second. Their registry, olareg, has the referrers API.`

func firstRings(t *testing.T, w *world) {
	if err := w.both(func(c *world) error { return c.Kubernetes(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	if err := w.StartOlareg(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.fleet = origin(t, w)
	w.settings(t)
	w.fleet.commit(t, "the fleet")
	w.keys(t)
	w.peer.Registry, w.peer.fleet, w.peer.key, w.peer.pub = w.Registry, w.fleet, w.key, w.pub
	w.fleet.release(t)
	if _, err := os.Stat(w.peer.fleet.pins(w.peer.cluster)); err == nil {
		t.Error("the first release pins the second ring")
	}
	w.referrers(t)
	for _, c := range []*world{w, w.peer} {
		c.machines(t)
		c.seeded(t)
	}
	w.say("Both have their seed phase, applied by hand. `darkstart release` and `darkstart publish` pinned staging only.")

	start := time.Now()
	w.deploy(t, w.fleet)
	w.say("Staging: every part Ready on serial 1 after %s. source-controller found the signature through the referrers API.", seconds(time.Since(start)))
	w.verified(t)
	w.promoted(t, w.fleet, 1)
}

// referrers demands that the signature of a release is a referrer by the API
// of the registry, and not by the tag that stands in where there is none.
func (w *world) referrers(t *testing.T) {
	t.Helper()
	digest := w.fleet.newest(t, w.cluster).Manifest
	if _, err := w.repository(w.cluster).Get(t.Context(), strings.Replace(digest, ":", "-", 1)); err == nil {
		t.Error("publish wrote the fallback tag into a registry that has the referrers API")
	}
	out := w.must(t, w.dir, w.Program(programs.ORAS), "discover", "--plain-http", "--format", "json", w.ref(t))
	if !strings.Contains(out, "application/vnd.dev.sigstore.bundle.v0.3+json") {
		t.Errorf("oras discover does not show the signature:\n%s", out)
	}
	w.say("Stock `oras discover` finds the signature of staging's bundle there, by the API and not by a tag.")
}

// promoted pins the second ring to what the first has, pushes the pins, and
// waits until Flux has applied it.
func (w *world) promoted(t *testing.T, c *clone, serial int) {
	t.Helper()
	start := time.Now()
	c.ok(t, "promote", "--to", "prod")
	c.commit(t, "promote")
	if err := c.push(); err != nil {
		t.Fatal(err)
	}
	for _, file := range strings.Fields(c.git(t, "show", "--name-only", "--format=", "HEAD")) {
		if !strings.HasPrefix(file, "deploy/prod/") {
			t.Errorf("promote changed %q", file)
		}
	}
	w.peer.deploy(t, c)
	if e := c.newest(t, "prod"); e.Serial != serial {
		t.Errorf("prod has serial %d, want %d", e.Serial, serial)
	}
	bundle := w.peer.extract(t, fmt.Sprintf("prod-%d", serial))
	w.peer.inOrder(t, bundle, c.newest(t, "prod").Manifest, start)
	w.say("`darkstart promote --to prod` changes prod's pins and nothing else. After %s every part of prod was Ready on serial %d, in order; all %d objects equal the bundle's.",
		seconds(time.Since(start)), serial, w.peer.sameAsBundle(t, bundle))
}

const aboutMerges = `Two engineers merge at the same time, and two pipelines release, each from a clone of the same
commit. The push that is a fast-forward is the lock.`

func parallelMerges(t *testing.T, w *world) {
	start := time.Now()
	left, right := w.fleet, w.clone(t, "right")
	left.edit(t, "components/shop/deployment.yaml", "- {name: DATABASE_HOST,", "- {name: BANNER, value: left}\n            - {name: DATABASE_HOST,")
	left.commit(t, "feat(shop): a banner")
	right.edit(t, "components/shop/service.yaml", "ports: [{port: 80, targetPort: 8080}]", "ports: [{port: 80, targetPort: 8080}]\n  sessionAffinity: ClientIP")
	right.commit(t, "feat(shop): sessions stick")

	right.recorded(t)
	left.release(t)
	mine, theirs := left.newest(t, w.cluster), right.newest(t, w.cluster)
	if mine.Serial != 2 || theirs.Serial != 2 || mine.Manifest == theirs.Manifest {
		t.Fatalf("no race: %+v, %+v", mine, theirs)
	}
	if err := right.push(); err == nil {
		t.Fatal("two releases have one serial: the second push was taken")
	}
	w.say("Both make a serial 2, of different content. The first push is taken, the second rejected.")
	out, status := right.darkstart(t, "publish")
	if status != 4 || !strings.Contains(out, "PUB002") {
		t.Errorf("publish of a second serial 2: exit status %d\n%s", status, out)
	}
	w.say("Whoever publishes without having pushed is refused (exit status 4, PUB002): the registry has another serial 2.")

	if _, err := w.exec(right.dir, "git", "pull", "-q", "--rebase"); err == nil {
		t.Fatal("git merged two releases")
	}
	conflicts := right.git(t, "diff", "--name-only", "--diff-filter=U")
	if !strings.Contains(conflicts, "releases/main.json") {
		t.Errorf("in conflict: %s", conflicts)
	}
	right.git(t, "-c", "core.editor=true", "rebase", "--skip")
	right.release(t)
	if e := right.newest(t, w.cluster); e.Serial != 3 || e.Previous != mine.Manifest {
		t.Errorf("the second release is no successor of the first: %+v", e)
	}
	w.fleet, w.peer.fleet = right, right
	w.say("`git pull --rebase` stops at the records, `git rebase --skip` leaves the lost release out, and `darkstart release` makes serial 3, which follows the first's serial 2 and has both changes.")

	w.arrived(t, start)
	if got := w.shop(t); got != "left ClientIP" {
		t.Errorf("staging has %q", got)
	}
	w.promoted(t, right, 3)
	w.say("Prod went from serial 1 to 3.")
}

// shop is what the chapters change of the shop: its banner, and whether
// sessions stick.
func (w *world) shop(t *testing.T) string {
	t.Helper()
	return w.kubectl(t, "-n", "shop", "get", "deployment", "shop", "-o", `jsonpath={.spec.template.spec.containers[0].env[?(@.name=="BANNER")].value}`) + " " +
		w.kubectl(t, "-n", "shop", "get", "service", "shop", "-o", "jsonpath={.spec.sessionAffinity}")
}

const aboutHotfix = `Main has gone on: it holds a change that no ring may have yet. Prod needs one line, now, and
nothing else. The fix is made on what prod runs, not on main.`

func hotfix(t *testing.T, w *world) {
	w.fleet.edit(t, "components/shop/deployment.yaml", "value: left}", "value: unfinished}")
	w.fleet.commit(t, "feat(shop): half of something")
	running := w.fleet.newest(t, "prod")
	w.fleet.git(t, "checkout", "-q", "-b", "hotfix", running.Revision)
	w.fleet.edit(t, "components/shop/deployment.yaml", "value: left}", "value: fixed}")
	w.fleet.commit(t, "fix(shop): the banner")
	w.fleet.git(t, "push", "-q", "origin", "hotfix")
	w.fleet.git(t, "checkout", "-q", "main")

	start := time.Now()
	w.fleet.release(t, "--revision", "hotfix", "--to", "prod")
	staging, prod := w.fleet.newest(t, "staging"), w.fleet.newest(t, "prod")
	if staging.Serial != 3 || prod.Serial != 4 || prod.Previous != running.Manifest {
		t.Fatalf("staging %+v, prod %+v", staging, prod)
	}
	w.say("`darkstart release --revision hotfix --to prod`: prod gets serial 4, staging stays at 3. The record says whom it is for, and `darkstart publish` pins prod.")
	out := w.fleet.ok(t, "verify", "--key", w.pub)
	if !strings.Contains(out, "3 looked at") {
		t.Errorf("dist/oci is no whole release after a hotfix:\n%s", out)
	}
	w.say("`dist/oci` is a whole release still: prod's new bundle, and staging's and the fleet's as they were, signed.")
	w.peer.arrived(t, start)
	if got := w.peer.shop(t); got != "fixed ClientIP" {
		t.Errorf("prod has %q", got)
	}
	w.pin(t, w.fleet)
	if got := w.changed(t, w.extract(t, "staging-3"), start); len(got) > 0 {
		t.Errorf("Flux changed %v in staging", got)
	}
	w.say("In staging Flux changed nothing.")
}

// changed lists the objects of a bundle that the engine changed, for real.
func (w *world) changed(t *testing.T, bundle string, since time.Time) []string {
	t.Helper()
	parts := w.parts(t, inventory(t, bundle))
	var out []string
	for _, e := range by(w.applier, w.audit(t, since)) {
		if _, ours := parts[e.id()]; ours && !e.dry() && e.ResponseStatus.Code < 300 && !slices.Contains(out, e.id()) {
			out = append(out, e.id())
		}
	}
	return out
}

const aboutRenewal = `A release has an end ("releases: validFor"), and a calendar renews it. Main still holds the
unfinished change, and prod still runs its hotfix: a renewal must take neither anywhere.`

func renewal(t *testing.T, w *world) {
	start := time.Now()
	before := map[string]entry{"staging": w.fleet.newest(t, "staging"), "prod": w.fleet.newest(t, "prod")}
	w.fleet.release(t, "--renew")
	for name, old := range before {
		e := w.fleet.newest(t, name)
		if e.Serial != old.Serial+1 || e.Content != old.Content || e.Previous != old.Manifest || e.Revision != old.Revision {
			t.Errorf("%s: %+v is no renewal of %+v", name, e, old)
		}
	}
	w.say("`darkstart release --renew`: staging gets serial 4 and prod serial 5, each with the content and the revision that it had. `darkstart publish` moves both pins, for both named what is replaced.")
	for _, c := range []*world{w, w.peer} {
		c.deploy(t, w.fleet)
		bundle := c.extract(t, "renewed")
		// kubectl applied the Namespaces that accounts stand in, bare, and Flux
		// takes away what kubectl notes on an object.
		got := slices.DeleteFunc(c.changed(t, bundle, start), func(id string) bool { return strings.HasPrefix(id, "/namespaces//") })
		if !slices.Equal(got, []string{"/configmaps/kube-system/darkstart-guard"}) {
			t.Errorf("%s: Flux changed %v", c.cluster, got)
		}
		c.sameAsBundle(t, bundle)
	}
	if got := w.shop(t) + ", " + w.peer.shop(t); got != "left ClientIP, fixed ClientIP" {
		t.Errorf("the shops have %s", got)
	}
	w.say("After %s every part of both was Ready on its new digest. The serial in the guard is all that Flux changed in either, but for what kubectl notes on the Namespaces that it applies.", seconds(time.Since(start)))
}

const aboutStreams = `Prod gets a stream of its own, with a key of its own: who may release to staging cannot
release to prod any more. The unfinished change is reverted first.`

func streams(t *testing.T, w *world) {
	start := time.Now()
	old := map[string]entry{"staging": w.fleet.newest(t, "staging"), "prod": w.fleet.newest(t, "prod")}
	w.revert(t, "feat(shop): half of something")
	w.fleet.edit(t, "darkstart.cue", `rings: [["staging"], ["prod"]]`, `rings: [["staging"], ["prod"]]`+"\n"+`streams: {staging: ["staging"], prod: ["prod"]}`)
	w.fleet.commit(t, "feat: prod releases with a key of its own")
	keys := filepath.Join(w.dir, "prod-keys")
	w.fleet.ok(t, "keys", "generate", "--out", keys)
	w.peer.key, w.peer.pub = filepath.Join(keys, "release.key"), filepath.Join(keys, "release.pub")

	w.fleet.ok(t, "release")
	w.fleet.commit(t, "release")
	if err := w.fleet.push(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*world{w, w.peer} {
		w.fleet.publish(t, "--stream", c.cluster, "--key", c.key)
		if e, was := w.fleet.newest(t, c.cluster), old[c.cluster]; e.Serial != was.Serial+1 || e.Previous != was.Manifest {
			t.Errorf("%s: %+v does not follow %+v", c.cluster, e, was)
		}
	}
	w.say("The records of the new streams, `releases/staging.json` and `releases/prod.json`, go on where the old one ended: the guard in a cluster compares serials, and knows no stream.")
	w.ownKey(t, w.peer)
	w.peer.ownKey(t, w)
	w.say("`darkstart verify` and stock `cosign verify` accept each by its own key, and refuse it by the other's.")

	w.peer.pin(t, w.fleet)
	w.peer.until(t, "prod refuses a key that it does not know", func(ctx context.Context) string {
		return w.peer.refusal(ctx, "prod", "SourceVerified", "no matching signatures")
	})
	w.peer.staysOn(t, old["prod"].Manifest)
	w.say("Prod, where the old key is trusted still, refuses its new release (`SourceVerified` is False). The Secret gets the new key.")
	w.peer.trust(t)
	w.peer.reconcile(t)
	w.peer.arrived(t, start)
	w.arrived(t, start)
	if got := w.shop(t) + ", " + w.peer.shop(t); got != "left ClientIP, left ClientIP" {
		t.Errorf("the shops have %s", got)
	}
}

// ownKey demands that the newest bundle verifies by the key of its cluster's
// stream, and not by that of the other.
func (w *world) ownKey(t *testing.T, other *world) {
	t.Helper()
	cosign := []string{"verify", "--insecure-ignore-tlog", w.ref(t), "--key"}
	w.must(t, w.dir, w.Program(programs.Cosign), append(cosign, w.pub)...)
	if _, err := w.exec(w.dir, w.Program(programs.Cosign), append(cosign, other.pub)...); err == nil {
		t.Errorf("cosign verifies %s by the key of %s", w.cluster, other.cluster)
	}
	darkstart := []string{"verify", "oci://" + w.ref(t), "--artifact", w.cluster, "--key"}
	w.fleet.ok(t, append(darkstart, w.pub)...)
	if out, status := w.fleet.darkstart(t, append(darkstart, other.pub)...); status != 3 {
		t.Errorf("verify of %s by the key of %s: exit status %d\n%s", w.cluster, other.cluster, status, out)
	}
}
