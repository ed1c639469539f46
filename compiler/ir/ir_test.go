package ir_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

func at(line int) diag.Position { return diag.Position{File: "f.cue", Line: line} }

// TestPositionsFallBackToWhatHolds: a computed value has the place of the
// nearest thing around it, and a neighbour with a longer name is not around it.
func TestPositionsFallBackToWhatHolds(t *testing.T) {
	p := ir.PositionsOf(map[string][]diag.Position{
		"":                {at(1)},
		"/components":     {at(2), at(20)},
		"/components/a~1": {at(3)},
		"/comp":           {at(4)},
		"/empty":          {},
	})
	for pointer, want := range map[string]diag.Position{
		"":                      at(1),
		"/components":           at(2),
		"/components/a~1":       at(3),
		"/components/a~1/x/0":   at(3),
		"/components/a":         at(2),
		"/components/a~1b/deep": at(2),
		"/component":            at(1),
		"/comp/x":               at(4),
		"/empty":                at(1),
		"/empty/x":              at(1),
		"no pointer":            {},
	} {
		if got := p.First(pointer); got != want {
			t.Errorf("%q was set at %v, want %v", pointer, got, want)
		}
	}
	if got := p.At("/components/vault"); len(got) != 2 {
		t.Errorf("%d of 2 places", len(got))
	}
	if got := new(ir.Positions).First("/x"); !got.IsZero() {
		t.Errorf("no positions know %v", got)
	}
}

// TestPositionsAgreeWithTheDefinition: the nearest ancestor of the tokens.
func TestPositionsAgreeWithTheDefinition(t *testing.T) {
	tokens := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("a/~")), 0, 2, -1), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		m, set := map[string][]diag.Position{}, rapid.SliceOfN(tokens, 0, 5).Draw(t, "set")
		for i, path := range set {
			m[ir.Pointer(path...)] = []diag.Position{at(i + 1)}
		}
		p := ir.PositionsOf(m)
		if got := maps.Collect(p.All()); !maps.EqualFunc(got, m, slices.Equal) {
			t.Fatalf("%v gives %v", m, got)
		}
		for pointer, at := range p.Moved(strings.ToUpper).All() {
			if !slices.Equal(p.Exactly(pointer), m[pointer]) || at[0].File != "F.CUE" || at[0].Line != m[pointer][0].Line {
				t.Fatalf("%q of %v is at %v, moved to %v", pointer, m, p.Exactly(pointer), at)
			}
		}
		ask := tokens.Draw(t, "ask")
		want := diag.Position{}
		for n := len(ask); n >= 0 && want.IsZero(); n-- {
			if ps := m[ir.Pointer(ask[:n]...)]; len(ps) > 0 {
				want = ps[0]
			}
		}
		if got := p.First(ir.Pointer(ask...)); got != want {
			t.Fatalf("%q in %v: %v, want %v", ask, p, got, want)
		}
	})
}

// TestPointerIsRFC6901: each token comes back, whatever it holds.
func TestPointerIsRFC6901(t *testing.T) {
	if got := ir.Pointer("a/b", "m~n", "", "~1"); got != "/a~1b/m~0n//~01" {
		t.Errorf("got %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		tokens := rapid.SliceOf(rapid.String()).Draw(t, "tokens")
		back := strings.Split(ir.Pointer(tokens...), "/")[1:]
		if len(tokens) == 0 {
			back = nil
		}
		for i := range back {
			back[i] = strings.ReplaceAll(strings.ReplaceAll(back[i], "~1", "/"), "~0", "~")
		}
		if strings.Join(back, "\x00") != strings.Join(tokens, "\x00") || len(back) != len(tokens) {
			t.Fatalf("%q became %q", tokens, back)
		}
	})
}

// TestRecordedIsItsRecord: what releases/ keeps and where it stands give the
// record back that was sealed; only a record without a serial is a candidate.
func TestRecordedIsItsRecord(t *testing.T) {
	content := digest.Of([]byte("content"))
	e := ir.Recorded{
		Content: content, Issued: "2026-11-22T10:00:00Z", Manifest: "m", MinCompiler: "0.1.0", NotAfter: "2027-11-22T10:00:00Z",
		Previous: "p", Revision: "abc", Serial: 3, Tar: "t",
	}
	want := ir.Record{
		Artifact: "eu", Correlation: content.Short(), Issued: e.Issued, MinCompiler: "0.1.0", NotAfter: e.NotAfter,
		Previous: "p", Revision: "abc", Serial: 3, Stream: "main",
	}
	if got := e.Record("main", "eu"); !reflect.DeepEqual(got, want) || got.Candidate() {
		t.Errorf("got %+v, candidate %v", got, got.Candidate())
	}
	if !(ir.Record{Stream: "main", Artifact: "eu"}).Candidate() {
		t.Error("a record without serial is no candidate")
	}
}

func TestClustersAreFoundByName(t *testing.T) {
	u := &ir.Units{Clusters: []*ir.Unit[spec.Cluster]{{Name: "a"}, {Name: "b"}}}
	f := &ir.Fleet{Clusters: []*ir.Linked{{Name: "a"}, {Name: "b"}}}
	for _, name := range []string{"a", "b"} {
		if c, l := u.Cluster(name), f.Cluster(name); c == nil || l == nil || c.Name != name || l.Name != name {
			t.Errorf("%s: %v, %v", name, c, l)
		}
	}
	if u.Cluster("c") != nil || f.Cluster("") != nil {
		t.Error("a cluster that does not exist was found")
	}
}
