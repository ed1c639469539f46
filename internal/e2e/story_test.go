// Package e2e shows that what Darkstart writes is what stock Flux and stock Argo
// CD apply, on real API servers, in the order that was planned, and that they
// refuse what they must refuse. The run tells its story in docs/e2e.md.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
	"github.com/darkstart-dev/darkstart/internal/e2e/stack"
)

var (
	update = flag.Bool("update", false, "write docs/e2e.md instead of comparing with it")
	keep   = flag.String("keep", "", "leave state and logs in this new folder")
)

// chapter is one section of the page.
type chapter struct {
	title, text string
	tell        func(*testing.T, *world)
}

// track is a run of chapters, each of which stands on those before it.
type track struct {
	name     string
	world    func(*testing.T, *world) *world // of its own, from the first track's
	chapters []chapter
}

// tracks run beside each other, for an engine mostly waits; the page tells one
// after the other.
var tracks = []track{
	{"Flux", func(_ *testing.T, w *world) *world { return w }, []chapter{
		{"A control plane from nothing", aboutStart, startControlPlane},
		{"Compile, release, publish", aboutRelease, firstRelease},
		{"By hand, until there is an engine", aboutSeed, seed},
		{"Flux applies the rest, in order", aboutFlux, firstApply},
		{"What Flux may touch", aboutAccounts, accounts},
		{"An upgrade", aboutUpgrade, upgrade},
		{"Going back", aboutRollback, rollback},
		{"What is removed, and what stays", aboutPrune, prune},
		{"A phase in the middle, and a move", aboutPhases, phases},
	}},
	{"Apart", apart, []chapter{
		{"Break glass: another staging", aboutApart, apartStart},
		{"Stock tools", aboutTools, stockTools},
		{"Drift", aboutDrift, drift},
		{"A gate that fails", aboutGate, gate},
		{"What Flux refuses", aboutRefusals, refusals},
		{"An approval", aboutApproval, approval},
	}},
	{"Rings", rings, []chapter{
		{"Two clusters, two rings", aboutRings, firstRings},
		{"Two merges at once", aboutMerges, parallelMerges},
		{"A hotfix", aboutHotfix, hotfix},
		{"A renewal", aboutRenewal, renewal},
		{"Two streams, two keys", aboutStreams, streams},
	}},
	{"Argo CD", twin, []chapter{
		{"The same release, by Argo CD", aboutArgo, argoFirst},
		{"Argo CD: an upgrade, and what is removed", aboutArgoNext, argoNext},
		{"What Argo CD refuses, and what it does not", aboutArgoRefusals, argoRefusals},
		{"Argo CD: a gate that fails", aboutArgoGate, argoGate},
		{"Argo CD: an ApplicationSet", aboutArgoSet, argoSet},
	}},
}

// TestStory runs all tracks, and joins what they tell to one page.
func TestStory(t *testing.T) {
	w := newWorld(t)
	worlds := make([]*world, len(tracks))
	for i, tr := range tracks {
		worlds[i] = tr.world(t, w)
	}
	var group sync.WaitGroup
	for i, tr := range tracks {
		group.Go(func() { tr.tell(t, worlds[i]) })
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for _, other := range worlds[1:] {
		w.WriteString(other.String())
	}
	w.memory(worlds)
	if err := w.finish(*update); err != nil {
		t.Error(err)
	}
}

// tell tells the chapters of a track until one fails.
func (tr track) tell(t *testing.T, w *world) {
	defer w.close()
	t.Run(tr.name, func(t *testing.T) {
		for _, c := range tr.chapters {
			start := time.Now()
			w.chapter(c.title, c.text)
			if !t.Run(c.title, func(t *testing.T) { c.tell(t, w) }) {
				t.Fatalf("the story ends here; so far:\n%s", w.String())
			}
			w.took(time.Since(start))
		}
	})
}

// newWorld builds the compiler from this tree and makes sure that all programs
// are there.
func newWorld(t *testing.T) *world {
	t.Helper()
	base, err := programs.Dir()
	if err != nil {
		t.Fatal(err)
	}
	var running strings.Builder
	for _, p := range programs.All() {
		if _, err := p.Path(base); err != nil {
			missing(t, err)
		}
		fmt.Fprintf(&running, "- %s %s\n", p.Name, p.Version)
	}
	if _, err := exec.LookPath(stack.RedisServer); err != nil {
		missing(t, fmt.Errorf("%w (Debian: apt-get install redis-server)", err))
	}
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, darkstart: filepath.Join(dir, "bin", "darkstart")}
	w = w.another(t, ".", "staging")
	fmt.Fprintf(w.page, preamble, running.String())
	build := exec.Command("go", "build", "-trimpath", "-o", w.darkstart, "./cmd/darkstart")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0", "GOTOOLCHAIN=auto")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the compiler: %v\n%s", err, out)
	}
	return w
}

// another prepares one more cluster, with its state below a folder of this
// one's. Nothing of it runs yet.
func (w *world) another(t *testing.T, folder, cluster string) *world {
	t.Helper()
	base, err := programs.Dir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(w.dir, folder)
	s, err := stack.New(filepath.Join(dir, "stack"), base, cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return &world{
		Stack: s, dir: dir, darkstart: w.darkstart, cluster: cluster, page: &page{},
		engine: "Flux", applier: "kustomize-controller",
	}
}

// missing skips on a user's machine and fails in CI: a gate that skips is none.
func missing(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("needed with CI=true: %v", err)
	}
	t.Skip(err)
}
