package validate

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden judges input.yaml of each archive for the release in its header
// and compares what a user is told.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no golden files")
	}
	catalog := NewCatalog(kubernetes.FS)
	told := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, header, _ := strings.Cut(string(archive.Comment), "kubernetes: ")
			release := strings.TrimSpace(header)
			input := archive.Files[0].Data
			counts, list := judgeText(t, catalog, release, input)
			for _, d := range list {
				told[d.Code] = true
				if d.Severity == diag.Error && len(d.Help) == 0 {
					t.Errorf("no help: %s", d.Message)
				}
			}
			got := describe(counts, list)
			if *update {
				archive.Files = []txtar.File{archive.Files[0], {Name: "want", Data: []byte(got)}}
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(archive.Files) != 2 {
				t.Fatal("no golden answer: run with -update")
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("codes", func(t *testing.T) { checkCodes(t, told) })
}

// TestSameAnswerInAnyOrder runs one input with other parallelism and cold and
// warm schemas: what is told must not depend on either.
func TestSameAnswerInAnyOrder(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/workloads.txtar")
	if err != nil {
		t.Fatal(err)
	}
	// Three copies of each container make groups whose first place could vary.
	objects := parse(t, "input.yaml", archive.Files[0].Data)
	containers := object.Slice(objects[0].Content(), "spec", "template", "spec", "containers")
	object.Map(objects[0].Content(), "spec", "template", "spec")["containers"] = slices.Concat(containers, containers, containers)
	r := &ir.Rendered{Cluster: "c", Components: []ir.RenderedComponent{{Name: "app", Objects: objects}}}
	warm, first := NewCatalog(kubernetes.FS), ""
	for i := range 8 {
		cfg := &Config{Catalog: warm, Parallel: 1 + i%4}
		if i%2 == 0 {
			cfg = &Config{Schemas: kubernetes.FS, Parallel: 1 + i}
		}
		counts, list, err := Validate(context.Background(), r, "1.36", cfg)
		if err != nil {
			t.Fatal(err)
		}
		got := describe(counts, list)
		if first == "" {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatal(diff)
		}
	}
	if !strings.Contains(first, "3 places have this problem") {
		t.Errorf("equal problems are not joined:\n%s", first)
	}
}

// checkCodes demands that every code is documented, in order, and seen.
func checkCodes(t *testing.T, told map[string]bool) {
	var documented []string
	for _, e := range Codes {
		documented = append(documented, e.Code)
		if e.Title == "" || e.Why == "" || e.Fix == "" {
			t.Errorf("%s is not explained", e.Code)
		}
		if !told[e.Code] {
			t.Errorf("no golden file shows %s", e.Code)
		}
	}
	if !slices.IsSorted(documented) {
		t.Errorf("codes are not in order: %v", documented)
	}
	for code := range told {
		if !slices.Contains(documented, code) {
			t.Errorf("%s is not documented", code)
		}
	}
}

// judgeText validates the objects of one file, as one component.
func judgeText(t testing.TB, catalog *Catalog, release string, text []byte) (*ir.Validation, diag.List) {
	t.Helper()
	r := &ir.Rendered{Cluster: "c", Components: []ir.RenderedComponent{
		{Name: "app", Objects: parse(t, "input.yaml", text)},
	}}
	cfg := &Config{Catalog: catalog, Lines: NewLines(fstest.MapFS{"input.yaml": {Data: text}}), Declared: diag.Position{File: "cluster.cue", Line: 3}}
	counts, list, err := Validate(context.Background(), r, release, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return counts, list
}

// describe prints counts and diagnostics for people to read in a review.
func describe(counts *ir.Validation, list diag.List) string {
	var b strings.Builder
	fmt.Fprintf(&b, "evaluated %d, not evaluated %v\n", counts.Evaluated, counts.NotEvaluated)
	for _, d := range list {
		fmt.Fprintf(&b, "\n%s[%s]: %s\n", d.Severity, d.Code, d.Message)
		for _, l := range d.Labels {
			fmt.Fprintf(&b, "  --> %s %s\n", l.Position, l.Text)
		}
		if d.Subject.Path != "" {
			fmt.Fprintf(&b, "  path: %s\n", d.Subject.Path)
		}
		for _, n := range d.Notes {
			fmt.Fprintf(&b, "  note: %s\n", n)
		}
		for _, h := range d.Help {
			fmt.Fprintf(&b, "  help: %s\n", h)
		}
	}
	return b.String()
}
