package link_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/link"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

var update = flag.Bool("update", false, "rewrite the golden files in the archives")

// TestGolden compares the graph of each archive with its file "graph".
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			fleet, ds := parse(t, a).link(t, nil)
			got := dump(fleet, ds)
			golden(t, a, file, got)
		})
	}
}

func golden(t *testing.T, a *txtar.Archive, file, got string) {
	t.Helper()
	i := len(a.Files) - 1
	if a.Files[i].Name != "graph" {
		a.Files = append(a.Files, txtar.File{Name: "graph"})
		i++
	}
	if *update {
		a.Files[i].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := string(a.Files[i].Data); want != got {
		t.Errorf("graph differs (run with -update and look at the diff)\nwant:\n%s\ngot:\n%s", want, got)
	}
}

// dump writes a fleet for people: nodes with their edges and reasons, the
// bootstrap's steps by phase, facts and diagnostics.
func dump(f *ir.Fleet, ds diag.List) string {
	var b strings.Builder
	for i := range f.Model.Nodes {
		n := &f.Model.Nodes[i]
		fmt.Fprintf(&b, "node %s (%s)%s%s\n", n.ID, n.Kind, replicas(n), flags(n))
		for _, s := range []struct {
			set string
			r   plans.Requirement
		}{{"run", n.Requires.Run}, {"start", n.Requires.Start}, {"operate", n.Requires.DeclaredOperate}, {"observe", n.Requires.Observe}} {
			edges(&b, "  "+s.set, s.r)
		}
	}
	for i := range f.Model.Procedures {
		p := &f.Model.Procedures[i]
		fmt.Fprintf(&b, "procedure %s into %v\n", p.ID, p.Into)
		for _, s := range p.Steps {
			fmt.Fprintf(&b, "  step %s phase=%s by=%s after=%v known=%v %s\n", s.ID, s.Phase, s.By, s.After, s.Known, s.Duration)
			edges(&b, "    need", s.Needs)
		}
	}
	for _, s := range f.Model.Scenarios {
		fmt.Fprintf(&b, "scenario %s %s domains=%v nodes=%v into=%v\n", s.ID, s.Mode, s.Domains, s.Nodes, s.Into)
	}
	for _, a := range f.Model.Actors {
		fmt.Fprintf(&b, "actor %s shift=%d implied=%v\n", a.ID, a.Shift, a.Implied)
	}
	for _, u := range f.Model.Unresolved {
		fmt.Fprintf(&b, "unknown %s: %s: %s\n", u.Node, u.What, u.Settle)
	}
	for _, d := range f.Facts.Dangling {
		if !d.Derived {
			fmt.Fprintf(&b, "dangling %s %s %q nearest=%q kind=%q\n", d.Node, d.Set, d.Name, d.Nearest, d.Kind)
		}
	}
	for _, c := range f.Facts.Contradictions {
		fmt.Fprintf(&b, "contradiction %s/%s in %s needs %s in %s webhook=%q\n", c.Cluster, c.Component, c.Phase, c.Needs, c.NeedsPhase, c.Webhook)
		for _, e := range c.Path {
			fmt.Fprintf(&b, "  %s → %s: %s\n", e.From, e.To, e.Why.Reason)
		}
	}
	b.WriteString(ds.String())
	return b.String()
}

func replicas(n *plans.Node) string {
	var out []string
	for _, r := range n.Replicas {
		switch {
		case r.In != "":
			out = append(out, "in "+r.In)
		case r.Unknown:
			out = append(out, "unknown")
		default:
			out = append(out, strings.Join(r.Domains, "+"))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return fmt.Sprintf(" [%s] quorum %d", strings.Join(out, ", "), n.Quorum)
}

func flags(n *plans.Node) string {
	s := ""
	if n.Implied {
		s += " implied"
	}
	if n.Stateless {
		s += " stateless"
	}
	for _, o := range n.Objectives {
		s += " " + o.Class
	}
	return s
}

func edges(b *strings.Builder, set string, r plans.Requirement) {
	switch r.Op {
	case "":
	case plans.All:
		for _, q := range r.Of {
			edges(b, set, q)
		}
	case plans.Ref:
		fmt.Fprintf(b, "%s %s", set, r.Node)
		if r.Why != nil {
			at := ""
			if len(r.Why.At) > 0 {
				at = " (" + r.Why.At[0].String() + ")"
			}
			fmt.Fprintf(b, ": %s%s", r.Why.Reason, at)
		}
		b.WriteByte('\n')
	default:
		fmt.Fprintf(b, "%s %s %d\n", set, r.Op, r.K)
		for _, q := range r.Of {
			edges(b, "  "+set, q)
		}
	}
}

func TestEveryCodeIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, e := range link.Codes {
		if documented[e.Code] || e.Title == "" || e.Why == "" || e.Fix == "" {
			t.Errorf("%s is documented twice or in part", e.Code)
		}
		documented[e.Code] = true
	}
	files, _ := filepath.Glob("*.go")
	used := map[string]bool{}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") || f == "codes.go" {
			continue
		}
		for _, w := range strings.FieldsFunc(string(src), func(r rune) bool { return !(r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') }) {
			if len(w) == 6 && strings.HasPrefix(w, "LNK") {
				used[w] = true
				if !documented[w] {
					t.Errorf("%s is used in %s and not documented", w, f)
				}
			}
		}
	}
	for c := range documented {
		if !used[c] {
			t.Errorf("%s is documented and never used", c)
		}
	}
}
