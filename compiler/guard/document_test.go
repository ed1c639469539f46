package guard

import (
	"slices"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// TestPartsOfTheFleet: what is converted once for all documents is what each of
// them would have converted for itself.
func TestPartsOfTheFleet(t *testing.T) {
	one, two := &ir.Linked{Name: "one"}, &ir.Linked{Name: "two"}
	in := &Input{
		Now: time.Unix(1, 0), Plan: &plans.Plan{Version: "v"},
		Fleet: &ir.Fleet{
			Clusters: []*ir.Linked{one, two},
			Units:    &ir.Units{Project: &ir.Unit[spec.Project]{}, Fleet: &ir.Unit[spec.Fleet]{JSON: []byte(`{"domains":{"a":{}}}`)}},
		},
		Lock: &ir.Lock{Images: map[string]ir.LockEntry{"r.example/a:1": {Signed: "yes"}}},
	}
	for name := range ofFleet {
		s := newSession(in, &Config{}, &Prepared{})
		first, err := s.document(one).part(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*ir.Linked{two, nil} {
			d := s.document(c)
			kept, err := d.part(name)
			if err != nil {
				t.Fatal(err)
			}
			own, err := parts[d.scope][name](d)
			if err != nil {
				t.Fatal(err)
			}
			for key, term := range own {
				if len(kept) != len(own) || kept[key] != first[key] || kept[key].Value.Compare(term.Value) != 0 {
					t.Errorf("%s in scope %q: %v, want %v", key, d.scope, kept, own)
				}
			}
		}
	}
}

// TestLeave: a document holds what rules of its scope are still to read, and
// nothing else.
func TestLeave(t *testing.T) {
	d := newSession(&Input{Fleet: &ir.Fleet{}}, &Config{}, &Prepared{}).document(nil)
	for _, name := range []string{"cells", "clusters", "fleet"} {
		d.built[name] = nil
	}
	reads := func(scope string, parts ...string) *compiled {
		return &compiled{Rule: Rule{Scope: scope, Reads: parts}}
	}
	rest := []*compiled{reads(ScopeFleet, "fleet"), reads(ScopeCluster, "cells"), reads(ScopeFleet, "clusters", "now")}
	for i, want := range [][]string{{"clusters", "fleet"}, {"clusters"}, {"clusters"}, {}} {
		d.leave(rest[i:])
		if got := sortedKeys(d.built); !slices.Equal(got, want) {
			t.Errorf("before %d more rules: %v, want %v", len(rest)-i, got, want)
		}
	}
}
