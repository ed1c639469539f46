package diag_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// drawn makes diagnostics from so few values that ties are common: what the
// order leaves to chance then shows.
func drawn(t *rapid.T) *diag.Diagnostic {
	text := func(label string) string { return rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, label) }
	number := func(label string) int { return rapid.IntRange(0, 1).Draw(t, label) }
	d := &diag.Diagnostic{
		Code: text("code"), Severity: diag.Severity(rapid.IntRange(0, 2).Draw(t, "severity")), Message: text("message"),
		Subject:    diag.Subject{Cluster: text("cluster"), Component: text("component"), Object: text("object"), Node: text("node"), Path: text("path")},
		Unknown:    rapid.Bool().Draw(t, "unknown"),
		ValidUntil: text("until"),
	}
	for range number("labels") {
		d.Labels = append(d.Labels, diag.Label{
			Position: diag.Position{File: text("file"), Line: number("line"), Column: number("column"), EndColumn: number("end")},
			Text:     text("label"),
		})
	}
	for range number("notes") {
		d.Notes = append(d.Notes, text("note"))
	}
	for range number("help") {
		d.Help = append(d.Help, text("fix"))
	}
	if rapid.Bool().Draw(t, "waived") {
		d.Waived = &diag.Waived{
			ID: text("id"), Reason: text("reason"), Owner: text("owner"), Ticket: text("ticket"), Expires: text("expires"),
			At: diag.Position{File: text("where")},
		}
	}
	return d
}

// TestOrderIsTotal: whatever two diagnostics differ in, the order sees it, and
// it is an order. Otherwise output would depend on which stage was faster.
func TestOrderIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawn(t), drawn(t), drawn(t)
		if (a.Compare(b) == 0) != reflect.DeepEqual(a, b) {
			t.Fatalf("%+v and %+v: Compare = %d", a, b, a.Compare(b))
		}
		if a.Compare(b) != -b.Compare(a) {
			t.Fatalf("not antisymmetric: %+v, %+v", a, b)
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("not transitive: %+v, %+v, %+v", a, b, c)
		}
	})
}

// TestSortedForgetsTheOrderOfArrival, drops repeats and nothing else.
func TestSortedForgetsTheOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l diag.List
		for range rapid.IntRange(0, 12).Draw(t, "n") {
			l.Add(drawn(t))
		}
		l.Add(l...) // everything twice
		before := slices.Clone(l)
		want := l.Sorted()
		if !slices.Equal(l, before) {
			t.Fatal("Sorted changed its receiver")
		}
		if got := diag.List(rapid.Permutation(l).Draw(t, "arrival")).Sorted(); !reflect.DeepEqual(got, want) {
			t.Fatalf("another order of arrival gives\n%v\nnot\n%v", got, want)
		}
		for i, d := range want[min(1, len(want)):] {
			if want[i].Compare(d) >= 0 {
				t.Fatalf("%v does not stand before %v", want[i], d)
			}
		}
		for _, d := range l {
			if !slices.ContainsFunc(want, func(e *diag.Diagnostic) bool { return reflect.DeepEqual(d, e) }) {
				t.Fatalf("%+v is lost", d)
			}
		}
	})
}

// TestWorstFirst is what a reader sees: errors before warnings, then by place.
func TestWorstFirst(t *testing.T) {
	at := func(d *diag.Diagnostic, line int) *diag.Diagnostic {
		return d.At(diag.Position{File: "f.cue", Line: line}, "")
	}
	l := diag.List{
		diag.Notef("N", "n"), at(diag.Warningf("W", "w"), 1), at(diag.Errorf("E", "later"), 10), at(diag.Errorf("E", "sooner"), 9), diag.Errorf("E", "nowhere"),
	}
	want := "error[E]: nowhere\nerror[E]: sooner (f.cue:9)\nerror[E]: later (f.cue:10)\nwarning[W]: w (f.cue:1)\nnote[N]: n\n"
	if got := l.Sorted().String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestMaxLeavesOutWhatIsWaived(t *testing.T) {
	waived := diag.Errorf("E", "accepted")
	waived.Waived = &diag.Waived{ID: "w"}
	for _, tt := range []struct {
		list   diag.List
		max    diag.Severity
		any    bool
		errors bool
	}{
		{nil, diag.Note, false, false},
		{diag.List{waived}, diag.Note, false, false},
		{diag.List{waived, diag.Warningf("W", "w"), diag.Notef("N", "n")}, diag.Warning, true, false},
		{diag.List{diag.Notef("N", "n"), diag.Errorf("E", "e")}, diag.Error, true, true},
	} {
		if sev, ok := tt.list.Max(); sev != tt.max || ok != tt.any || tt.list.HasErrors() != tt.errors {
			t.Errorf("%v: max %v, %v, errors %v", tt.list, sev, ok, tt.list.HasErrors())
		}
	}
}

// TestAtDropsUnknownPlaces, so that callers need not ask.
func TestAtDropsUnknownPlaces(t *testing.T) {
	known := diag.Position{File: "f", Line: 3, Column: 4}
	d := diag.Errorf("E", "e").At(diag.Position{}, "nowhere").AtAll([]diag.Position{{}, known}, "here")
	if len(d.Labels) != 1 || d.Primary() != known || d.Labels[0].Text != "here" {
		t.Errorf("labels are %+v", d.Labels)
	}
	var l diag.List
	if l.Add(nil, d, nil); len(l) != 1 {
		t.Errorf("the list holds %d diagnostics", len(l))
	}
}

func TestPositionString(t *testing.T) {
	for want, p := range map[string]diag.Position{
		"":        {},
		"a.cue":   {File: "a.cue"},
		"a.cue:7": {File: "a.cue", Line: 7},
		"a:7:9":   {File: "a", Line: 7, Column: 9, EndColumn: 12},
	} {
		if p.String() != want {
			t.Errorf("%#v is %q, want %q", p, p, want)
		}
	}
}

// TestSeverityText: the names are API, in JSON and in flags.
func TestSeverityText(t *testing.T) {
	for _, s := range []diag.Severity{diag.Note, diag.Warning, diag.Error} {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got diag.Severity
		if err := json.Unmarshal(b, &got); err != nil || got != s || string(b) != `"`+s.String()+`"` {
			t.Errorf("%v became %s and then %v, %v", s, b, got, err)
		}
	}
	var s diag.Severity
	if err := s.UnmarshalText([]byte("fatal")); err == nil {
		t.Error(`"fatal" is taken for a severity`)
	}
	if got := diag.Severity(7).String(); got != "severity(7)" {
		t.Errorf("severity 7 is called %q", got)
	}
}

// TestProblemsTravelAsErrors through whatever wraps them (D5).
func TestProblemsTravelAsErrors(t *testing.T) {
	d := diag.Errorf("SRC001", "refused")
	err := fmt.Errorf("evaluate: %w", &fs.PathError{Op: "open", Path: "x", Err: d.Err()})
	if got, ok := diag.From(err); !ok || got != d {
		t.Errorf("From = %v, %v", got, ok)
	}
	if err.Error() != "evaluate: open x: SRC001: refused" {
		t.Errorf("the error reads %q", err)
	}
	if _, ok := diag.From(errors.New("disk full")); ok {
		t.Error("an environment problem was taken for the user's")
	}
	if err := (*diag.Diagnostic)(nil).Err(); err != nil {
		t.Errorf("no diagnostic is the error %v", err)
	}
}

func TestNearest(t *testing.T) {
	components := []string{"vault", "velero", "ingress-nginx", "cert-manager", "dns"}
	for name, want := range map[string]string{
		"valt":            "vault",
		"vualt":           "vault",
		"ingres-nginx":    "ingress-nginx",
		"certmanager":     "cert-manager",
		"cert-manger-two": "cert-manager", // four edits are a third of a long name
		"dsn":             "dns",
		"grafana":         "",
		"":                "",
		"x":               "",
	} {
		if got := diag.Nearest(name, components); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestNearestIsStable: the order of the candidates, which is often that of a
// map, must not show.
func TestNearestIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abé")), 0, 5, -1)
		name, candidates := word.Draw(t, "name"), rapid.SliceOfN(word, 0, 8).Draw(t, "candidates")
		want := diag.Nearest(name, candidates)
		if want == name && name != "" || want != "" && !slices.Contains(candidates, want) {
			t.Fatalf("Nearest(%q, %q) = %q", name, candidates, want)
		}
		if got := diag.Nearest(name, rapid.Permutation(candidates).Draw(t, "order")); got != want {
			t.Fatalf("Nearest(%q) = %q or %q, by the order of the candidates", name, got, want)
		}
	})
}
