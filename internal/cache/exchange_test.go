package cache

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/tree"
)

// export collects what a store gives away.
func export(t interface{ Fatal(...any) }, s *Store) []Entry {
	var out []Entry
	for e, err := range s.Export() {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// TestExchange: with the entries of another store, nothing that was done there
// is done again, also when both know other inputs of the same work; and what
// comes out is what the work gives.
func TestExchange(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var trees []*tree.Tree
		for range rapid.IntRange(1, traces/2).Draw(rt, "trees") {
			trees = append(trees, tree.FromMap(rapid.MapOf(rapid.SampledFrom([]string{"main", "a", "b"}), rapid.SampledFrom([]string{"a", "a b", "1"})).Draw(rt, "files")))
		}
		run := func(s *Store, tr *tree.Tree) (done bool) {
			got, _, err := Memo(s, tr, "include", nil, func(t *tree.Tree) (string, error) { done = true; return include(t), nil })
			if want := include(tr); err != nil || got != want {
				rt.Fatalf("%q, %v; the work gives %q", got, err, want)
			}
			n, err := Value(s, "length", []string{got}, func() (int, error) { done = true; return len(got), nil })
			if err != nil || n != len(got) {
				rt.Fatalf("%d, %v", n, err)
			}
			return done
		}
		there, here := Config{Dir: t.TempDir(), Note: true}, Config{Dir: t.TempDir()}
		from, to := Open(there), Open(here)
		for i, tr := range trees {
			run([]*Store{from, to}[i%2], tr)
		}
		entries := export(rt, from)
		for _, e := range entries {
			if err := to.Import(e); err != nil {
				rt.Fatal(err)
			}
		}
		for i, tr := range trees {
			if run(Open(here), tr) {
				rt.Errorf("the work on tree %d was done again", i)
			}
		}
		again := Open(there)
		for i, tr := range slices.Backward(trees) {
			if i%2 == 0 {
				run(again, tr)
			}
		}
		for i, e := range export(rt, again) {
			if e.Key != entries[i].Key || !bytes.Equal(e.Content, entries[i].Content) {
				rt.Errorf("entry %d of a second run is another one", i)
			}
		}
	})
}

// TestExportIsOfThisRun: neither what the folder holds besides, nor other inputs
// that the same work had, are given away.
func TestExportIsOfThisRun(t *testing.T) {
	c := Config{Dir: t.TempDir(), Note: true}
	size := func(s *Store, text string) {
		_, _, err := Memo(s, tree.FromMap(map[string]string{"a": text}), "size", nil, func(t *tree.Tree) (int, error) {
			b, err := t.ReadFile("a")
			return len(b), err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	size(Open(c), "x")
	size(Open(c), "yy")
	alone := Config{Dir: t.TempDir(), Note: true}
	s, want := Open(c), Open(alone)
	size(s, "x")
	size(s.Silent(), "yy")
	size(want, "x")
	if got, want := export(t, s), export(t, want); fmt.Sprint(got) != fmt.Sprint(want) || len(want) != 2 {
		t.Errorf("gave away %v, want %v", got, want)
	}
	if n := len(export(t, Open(Config{Dir: c.Dir}))); n != 0 {
		t.Errorf("a store that notes nothing gave away %d entries", n)
	}
}

// TestImport: what is here stays, what is missing is left out, and what is no
// entry is refused.
func TestImport(t *testing.T) {
	s := Open(Config{Dir: t.TempDir()})
	k := keyOf("work")
	s.Put(k, []byte("ours"))
	if err := s.Import(Entry{Key: k, Content: []byte("theirs")}); err != nil {
		t.Fatal(err)
	}
	if b, _ := s.Get(k); string(b) != "ours" {
		t.Errorf("%q took the place of what was here", b)
	}
	if err := s.Import(Entry{Key: k, Inputs: true, Content: []byte("no list")}); !errors.Is(err, ErrDamaged) {
		t.Errorf("inputs that are none: %v", err)
	}
	gone := Open(Config{Dir: t.TempDir(), Note: true})
	if _, err := Value(gone, "one", nil, func() (int, error) { return 1, nil }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := gone.Prune(0); err != nil {
		t.Fatal(err)
	}
	if es := export(t, gone); len(es) != 0 {
		t.Errorf("gave away %v", es)
	}
	for _, k := range []Key{{}, keyOf("x")} {
		if got, err := ParseKey(k.String()); err != nil || got != k {
			t.Errorf("%s is read as %s, %v", k, got, err)
		}
	}
	for _, bad := range []string{"", "00", k.String() + "00", "x" + k.String()[1:]} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}
