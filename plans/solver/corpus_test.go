package solver_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/plans/solver"
	"github.com/darkstart-dev/darkstart/plans/solver/sketch"
)

var corpus = flag.String("corpus", "", "file of incident records in the sketch language")

// summary is the harness's last line: an interface, printed after everything
// that the testing package prints about the test.
var summary string

func TestMain(m *testing.M) {
	code := m.Run()
	if summary != "" {
		fmt.Print(summary)
	}
	os.Exit(code)
}

// TestCorpus holds the solver to public outages:
//
//	go test ./plans/solver -run Corpus -args -corpus FILE
func TestCorpus(t *testing.T) {
	name := *corpus
	if name == "" {
		name = filepath.Join(repositoryRoot(t), "..", "shared", "corpus", "incidents", "corpus.yaml")
	}
	f, err := os.Open(name)
	if os.IsNotExist(err) && !filepath.IsAbs(name) { // tests run in their package's folder
		f, err = os.Open(filepath.Join(repositoryRoot(t), name))
	}
	if os.IsNotExist(err) && *corpus == "" && os.Getenv("CI") != "true" {
		t.Skipf("no corpus at %s: name one with -args -corpus FILE", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := sketch.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) == 0 {
		t.Fatal("the corpus holds no record")
	}
	var sum tally
	for _, r := range records {
		sum.judge(t, r)
	}
	if sum.missed+sum.extra > 0 || sum.clean != sum.overlays {
		t.Fail()
	}
	summary = fmt.Sprintf("corpus: %d records, %d expected, %d found, %d missed, %d extra, %d of %d overlays clean\n",
		len(records), sum.expected, sum.found, sum.missed, sum.extra, sum.clean, sum.overlays)
}

type tally struct{ expected, found, missed, extra, overlays, clean int }

func (s *tally) judge(t *testing.T, r sketch.Record) {
	got, err := classes(&r.Sketch)
	if err != nil { // one unreadable record must not hide the others
		t.Errorf("%s: %v", r.ID, err)
	}
	var found, missed, extra []string
	for _, c := range r.Expected {
		if slices.Contains(got, c) {
			found = append(found, c)
		} else {
			missed = append(missed, c)
		}
	}
	for _, c := range got {
		if !slices.Contains(r.Expected, c) && !slices.Contains(r.Also, c) {
			extra = append(extra, c)
		}
	}
	s.expected, s.found = s.expected+len(r.Expected), s.found+len(found)
	s.missed, s.extra = s.missed+len(missed), s.extra+len(extra)
	fmt.Printf("%s\n  expected: %s\n  found:    %s\n  missed:   %s\n  extra:    %s\n",
		r.ID, join(r.Expected), join(got), join(missed), join(extra))
	if r.Fix != nil {
		s.overlay(t, r, got)
	}
}

func (s *tally) overlay(t *testing.T, r sketch.Record, before []string) {
	after, err := classes(&r.Fix.Sketch)
	if err != nil {
		t.Errorf("%s, after the fix: %v", r.ID, err)
		after = r.Fix.Removes
	}
	var stayed, appeared []string
	for _, c := range r.Fix.Removes {
		if slices.Contains(after, c) {
			stayed = append(stayed, c)
		}
	}
	for _, c := range after {
		if !slices.Contains(before, c) {
			appeared = append(appeared, c)
		}
	}
	s.overlays++
	if len(stayed)+len(appeared) == 0 {
		s.clean++
	}
	fmt.Printf("  fix: did not disappear: %s; appeared: %s\n", join(stayed), join(appeared))
}

func join(ss []string) string {
	if len(ss) == 0 {
		return "-"
	}
	return strings.Join(ss, " ")
}

// classes solves a sketch and lists the classes found.
func classes(s *sketch.Sketch) ([]string, error) {
	m, err := s.Model()
	if err != nil {
		return nil, err
	}
	p, list, err := solver.Solve(context.Background(), m, &solver.Config{Runs: -1})
	if err != nil || list.HasErrors() {
		return nil, fmt.Errorf("cannot solve it: %v\n%s", err, list)
	}
	var out []string
	for _, f := range p.Findings {
		if !slices.Contains(out, f.Class) {
			out = append(out, f.Class)
		}
	}
	slices.Sort(out)
	return out, nil
}

// repositoryRoot is the nearest folder above with a go.mod.
func repositoryRoot(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
