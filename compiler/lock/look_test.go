package lock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// shelves is a registry of which a test says what it holds.
type shelves struct {
	mu    sync.Mutex
	tags  map[string]digest.Digest // repository:tag
	asked []string
}

type gone struct{}

func (gone) Error() string { return "the registry does not have it (404)" }
func (gone) Help() string  { return "check the name" }

func (s *shelves) Resolve(_ context.Context, repository, reference string) (digest.Digest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, repository+" "+reference)
	if d, err := digest.Parse(reference); err == nil {
		for _, have := range s.tags {
			if have == d {
				return d, nil
			}
		}
		return "", gone{}
	}
	if d, ok := s.tags[repository+":"+reference]; ok {
		return d, nil
	}
	return "", gone{}
}

func (s *shelves) Evidence(_ context.Context, repository string, d digest.Digest) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, "evidence of "+repository+" "+d.Short())
	return "cosign", "none", nil
}

var one, two = digest.Of([]byte("1")), digest.Of([]byte("2"))

func use(refs ...string) (out []lock.Use) {
	for i, r := range refs {
		out = append(out, lock.Use{Ref: r, At: []diag.Position{{File: "app.yaml", Line: i + 1}}})
	}
	return out
}

// TestLookUp guards what becomes of each entry. The registries hold r.example/app:1
// (one) and Docker Hub's nginx (two).
func TestLookUp(t *testing.T) {
	full := func(d digest.Digest) ir.LockEntry {
		return ir.LockEntry{Digest: d, Signed: "cosign", Provenance: "none"}
	}
	for _, c := range []struct {
		name  string
		uses  []lock.Use
		old   map[string]ir.LockEntry
		c     lock.LookConfig
		want  string // changes and codes
		asked string // "" where it does not matter, "nobody"
	}{
		{name: "a tag", uses: use("r.example/app:1"), want: "added r.example/app:1 " + string(one) + " signed: cosign, provenance: none"},
		{
			name: "a short name", uses: use("nginx"), want: "added nginx " + string(two) + " signed: cosign, provenance: none",
			asked: "docker.io/library/nginx latest|evidence of docker.io/library/nginx " + two.Short(),
		},
		{
			name: "a digest, by that digest", uses: use("r.example/app:9@" + string(one)), want: "added r.example/app:9 " + string(one) + " signed: cosign, provenance: none",
			asked: "r.example/app " + string(one) + "|evidence of r.example/app " + one.Short(),
		},
		{name: "a digest that is known", uses: use("r.example/app:1@" + string(one)), old: map[string]ir.LockEntry{"r.example/app:1": full(one)}, asked: "nobody"},
		{name: "a tag that is known", uses: use("r.example/app:1"), old: map[string]ir.LockEntry{"r.example/app:1": full(one)}, asked: "r.example/app 1"},
		{
			name: "what was imported", uses: use("r.example/app:1"), old: map[string]ir.LockEntry{"r.example/app:1": {Digest: one}},
			want: "looked up r.example/app:1 " + string(one) + " signed: cosign, provenance: none",
		},
		{
			name: "a digest that was not signed", uses: use("r.example/app:1@" + string(one)),
			old:  map[string]ir.LockEntry{"r.example/app:1": {Digest: one, Signed: "none", Provenance: "none"}},
			want: "looked up r.example/app:1 " + string(one) + " signed: cosign, provenance: none",
		},
		{name: "a tag that moved", uses: use("r.example/app:1"), old: map[string]ir.LockEntry{"r.example/app:1": full(two)}, want: "LCK008"},
		{
			name: "a tag that moved, of what was imported", uses: use("r.example/app:1"), old: map[string]ir.LockEntry{"r.example/app:1": {Digest: two}},
			want: "looked up r.example/app:1 " + string(two) + " signed: cosign, provenance: none|LCK008",
		},
		{
			name: "update of one", uses: use("r.example/app:1", "nginx"), old: map[string]ir.LockEntry{"r.example/app:1": full(two), "nginx": full(one)},
			c: lock.LookConfig{Update: []string{"nginx"}}, want: "replaced nginx " + string(two) + " signed: cosign, provenance: none|LCK008",
		},
		{
			name: "update of all", uses: use("r.example/app:1"), old: map[string]ir.LockEntry{"r.example/app:1": full(two)},
			c: lock.LookConfig{UpdateAll: true}, want: "replaced r.example/app:1 " + string(one) + " signed: cosign, provenance: none",
		},
		{name: "update of a stranger", uses: use("nginx"), c: lock.LookConfig{Update: []string{"ngnix"}}, want: "LCK011", asked: "nobody"},
		{name: "unused, kept", old: map[string]ir.LockEntry{"nginx": full(one)}, asked: "nobody"},
		{name: "unused, pruned", old: map[string]ir.LockEntry{"nginx": full(one)}, c: lock.LookConfig{Prune: true}, want: "removed nginx", asked: "nobody"},
		{name: "one is not there", uses: use("r.example/app:1", "r.example/app:2"), want: "LCK007"},
		{name: "a digest that is not there", uses: use("r.example/app:1@" + string(digest.Of(nil))), want: "LCK007"},
		{name: "pinned to another", uses: use("r.example/app:1@" + string(one)), old: map[string]ir.LockEntry{"r.example/app:1": full(two)}, want: "LCK010", asked: "nobody"},
		{name: "pinned to two", uses: use("r.example/app:1@"+string(one), "r.example/app:1@"+string(two)), want: "LCK004", asked: "nobody"},
		{name: "pinned in one place", uses: use("r.example/app:1", "r.example/app:1@"+string(two)), want: "added r.example/app:1 " + string(two) + " signed: cosign, provenance: none"},
		{name: "no digest", uses: use("r.example/app:1@sha512:00"), want: "LCK002", asked: "nobody"},
	} {
		s := &shelves{tags: map[string]digest.Digest{"r.example/app:1": one, "docker.io/library/nginx:latest": two}}
		old, _ := lock.Parse(lock.Name, encodeLock(t, c.old))
		c.c.Registry = s
		l, changes, ds, err := lock.LookUp(t.Context(), c.uses, old, &c.c)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range changes {
			got = append(got, x.String())
		}
		for _, d := range ds {
			got = append(got, d.Code)
			documented(t, d)
		}
		if g := strings.Join(got, "|"); g != c.want {
			t.Errorf("%s: got %s\nwant %s", c.name, g, c.want)
		}
		if (l == nil) != ds.HasErrors() {
			t.Errorf("%s: a lock beside errors, or none without", c.name)
		}
		asked := strings.Join(s.asked, "|")
		if c.asked == "nobody" && asked != "" || c.asked != "" && c.asked != "nobody" && c.asked != asked {
			t.Errorf("%s: asked %q, want %q", c.name, asked, c.asked)
		}
		again(t, c.name, c.uses, l, s)
	}
}

// again demands that a second run changes nothing.
func again(t *testing.T, name string, uses []lock.Use, l *ir.Lock, s *shelves) {
	t.Helper()
	if l == nil {
		return
	}
	first, err := lock.Format(l)
	if err != nil {
		t.Fatal(err)
	}
	old, ds := lock.Parse(lock.Name, first)
	if old == nil {
		t.Fatalf("%s: the lock does not parse: %v", name, ds)
	}
	if _, changes, _, err := lock.LookUp(t.Context(), uses, old, &lock.LookConfig{Registry: s, Prune: true}); err != nil || len(changes) > 0 && !strings.HasPrefix(name, "unused") {
		t.Errorf("%s: a second run changes %v (%v)", name, changes, err)
	}
}

func encodeLock(t *testing.T, images map[string]ir.LockEntry) []byte {
	t.Helper()
	l := lock.New()
	l.Images = images
	b, err := lock.Format(l)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func documented(t *testing.T, d *diag.Diagnostic) {
	t.Helper()
	if !slices.ContainsFunc(lock.Codes, func(e diag.Entry) bool { return e.Code == d.Code && e.Severity == d.Severity }) || len(d.Help) == 0 || len(d.Labels) == 0 {
		t.Errorf("%s is not documented, or has no help or place: %v", d.Code, d)
	}
}

// TestLookUpStops guards that an interrupted run is not taken for a registry
// that does not answer.
func TestLookUpStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := lock.LookUp(ctx, use("nginx"), nil, &lock.LookConfig{Registry: &shelves{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestLocked guards --locked: it names every image that is not locked, with
// its place.
func TestLocked(t *testing.T) {
	l := lock.New()
	l.Images = map[string]ir.LockEntry{"a:1": {Digest: one}, "b:1": {Digest: one}}
	ds := lock.Locked(use("a:1@"+string(one), "b:1@"+string(two), "b:1@"+string(two), "c:1", "a:1"), l)
	var got []string
	for _, d := range ds {
		documented(t, d)
		got = append(got, fmt.Sprintf("%s %s %s", d.Code, d.Primary(), d.Message))
	}
	want := []string{
		fmt.Sprintf("LCK010 app.yaml:2 b:1 is pinned to %s, and the lock has %s", two.Short(), one.Short()),
		"LCK009 app.yaml:4 c:1 is not in the lock",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if ds := lock.Locked(use("a:1"), nil); len(ds) != 1 || len(ds[0].Notes) != 1 {
		t.Errorf("without a lock: %v", ds)
	}
}
