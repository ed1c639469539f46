package policies_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/guard/fixture"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// atLeast is how many subjects a rule must be shown of either sort.
const atLeast = 10

var prepared = sync.OnceValues(func() (*guard.Prepared, error) {
	return guard.Prepare(context.Background(), policies.FS)
})

// tally is one row of the table.
type tally struct {
	fire, fired   int // subjects that should fire, and those that did
	silent, alarm int // subjects that should not, and findings beyond those expected
	beside        int // of the silent ones, those that are no business of the rule
	corpus        int // subjects that are real manifests
}

// TestRecall holds every rule against subjects that must fire and subjects
// that must not, in fleets that take the whole way: schema, rendering, linker,
// solver, guardrails. A finding about another subject, or for another reason
// than the one expected, is a miss and a false alarm. A subject that must not
// fire is vacuous, and fails, when the rule did not judge it.
//
// testdata/recall has a file a rule; recall_case_test.go says how it reads.
func TestRecall(t *testing.T) {
	rules := catalogue(t)
	rows := make([]tally, len(rules))
	t.Run("rules", func(t *testing.T) {
		for i, r := range rules {
			t.Run(r.ID, func(t *testing.T) {
				t.Parallel()
				recall(t, r, rules, &rows[i])
			})
		}
	})
	orphans(t, rules)
	t.Log("\n" + table(rules, rows))
}

func recall(t *testing.T, r guard.Rule, rules []guard.Rule, sum *tally) {
	cases, err := readCases(filepath.Join("testdata", "recall", r.Dir+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	skipped := 0
	for i, c := range cases {
		files, err := c.files(r.ID, rules)
		if err == errNoCorpus {
			skipped++
			continue
		}
		if err != nil {
			t.Fatalf("fleet %d (%s): %v", i+1, c.About, err)
		}
		var base *compiler.Result
		if was := c.base(); was != nil {
			before, err := was.files(r.ID, rules)
			if err != nil {
				t.Fatalf("fleet %d (%s): was: %v", i+1, c.About, err)
			}
			base = was.compile(t, before, nil)
		}
		sum.add(c.judge(t, r, c.compile(t, files, base)))
	}
	switch {
	case skipped > 0:
		t.Skipf("the manifest corpus is not here: %d of %d fleets were left out", skipped, len(cases))
	case sum.fire < atLeast || sum.silent-sum.beside < atLeast:
		t.Errorf("%s is shown %d subjects that must fire and %d that must not, want %d of either", r.ID, sum.fire, sum.silent-sum.beside, atLeast)
	}
}

func (s *tally) add(u tally) {
	s.fire, s.fired = s.fire+u.fire, s.fired+u.fired
	s.silent, s.alarm = s.silent+u.silent, s.alarm+u.alarm
	s.beside, s.corpus = s.beside+u.beside, s.corpus+u.corpus
}

// judge compares what a rule says about one fleet with what is expected.
func (c *recallCase) judge(t *testing.T, r guard.Rule, res *compiler.Result) (sum tally) {
	found := map[*diag.Diagnostic]bool{}
	for _, d := range res.Verdict.Findings {
		if d.Code == r.ID {
			found[d] = false
		}
	}
	for _, e := range c.Fires {
		sum.fire++
		if e.met(found) {
			sum.fired++
		} else {
			t.Errorf("%s: miss: %s does not fire with %q", c.About, e.subject, e.says)
		}
		sum.corpus += c.real(e)
	}
	for d, expected := range found {
		if !expected {
			sum.alarm++
			t.Errorf("%s: false alarm: %+v: %s %v", c.About, d.Subject, d.Message, d.Notes)
		}
	}
	for _, e := range slices.Concat(c.Silent, c.Beside) {
		sum.silent++
		sum.corpus += c.real(e)
	}
	sum.beside = len(c.Beside)
	c.vacuous(t, r, res)
	return sum
}

// today is the closure of a record that was made with what stands there now.
const today = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

// dated puts the closures of today into the records that ask for them.
func (c *recallCase) dated(t *testing.T, files map[string]string) map[string]string {
	out, asked := maps.Clone(files), false
	for _, e := range c.Evidence {
		m, _ := e.(map[string]any)
		asked = asked || m["closure"] == today
	}
	if !asked {
		return out
	}
	res, err := compiler.Compile(t.Context(), &compiler.Config{
		Tree: treeOf(files), Revision: ir.Revision{Time: fixture.Now}, Until: compiler.ToPlan,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS,
	})
	if err != nil || res.Plan == nil {
		t.Fatalf("%s: no plan: %v\n%s", c.About, err, res.Diagnostics)
	}
	for name, e := range c.Evidence {
		procedure, _ := e.(map[string]any)["procedure"].(string)
		file := "evidence/" + name + ".json"
		out[file] = strings.ReplaceAll(out[file], today, string(res.Plan.Closures[procedure]))
	}
	return out
}

func (c *recallCase) compile(t *testing.T, files map[string]string, base *compiler.Result) *compiler.Result {
	rules, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	files = c.dated(t, files)
	res, err := compiler.Compile(t.Context(), &compiler.Config{
		Tree: treeOf(files), Revision: ir.Revision{Time: fixture.Now}, Until: compiler.ToVerdict,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Guardrails: rules, Base: base,
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Verdict == nil {
		t.Fatalf("%s: the fleet does not compile:\n%s", c.About, res.Diagnostics)
	}
	for _, d := range res.Diagnostics {
		if strings.HasPrefix(d.Code, "GRD") {
			t.Errorf("%s: %s", c.About, d.Message)
		}
	}
	return res
}

// orphans fails on a file that no rule reads.
func orphans(t *testing.T, rules []guard.Rule) {
	files, err := os.ReadDir(filepath.Join("testdata", "recall"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range rules {
		known[r.Dir+".yaml"] = true
	}
	for _, f := range files {
		if !known[f.Name()] {
			t.Errorf("testdata/recall/%s: there is no such rule", f.Name())
		}
	}
}

func table(rules []guard.Rule, rows []tally) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "rule\tshould fire\tfired\tshould not\tfired\trecall\tfalse alarms\tfrom the corpus\t")
	var sum tally
	line := func(name string, r tally) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%d\t\n", name, r.fire, r.fired, r.silent, r.alarm, percent(r.fired, r.fire), percent(r.alarm, r.silent), r.corpus)
	}
	for i, r := range rules {
		line(r.ID, rows[i])
		sum.add(rows[i])
	}
	line("all", sum)
	w.Flush()
	return b.String()
}

func percent(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(of))
}
