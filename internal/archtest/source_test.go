package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hermetic lists what makes a result depend on the machine (D2, D12, D13), and
// where it is allowed all the same.
func hermetic() map[string][]string {
	outside := append([]string{"cmd", "internal/cli", "internal/archtest"}, fixtures()...)
	return map[string][]string{
		"os.Environ":         outside,
		"os.Getenv":          outside,
		"os.LookupEnv":       outside,
		"os.Exit":            {"cmd", "internal/bench", "internal/testkit"},
		"os.Hostname":        outside,
		"time.Now":           outside,
		"time.Since":         outside,
		"rand.Int":           nil,
		"rand.IntN":          nil,
		"rand.Int64N":        nil,
		"rand.Uint64":        nil,
		"rand.Float64":       nil,
		"rand.Perm":          nil,
		"rand.Shuffle":       nil,
		"http.DefaultClient": nil,
		"log.Printf":         nil,
		"log.Fatal":          nil,
	}
}

// TestSourceIsHermetic reads the production code for calls that let the clock,
// the environment or registration by init into a result.
func TestSourceIsHermetic(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel("../..", path)
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && rel != "." && skipped(path, d) {
				return fs.SkipDir
			}
			return err
		}
		if strings.HasSuffix(rel, ".go") && !strings.HasSuffix(rel, "_test.go") {
			files++
			for _, s := range inspect(t, path, filepath.ToSlash(rel)) {
				t.Error(s)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("read only %d files", files)
	}
}

// skipped leaves out what is not built: other modules, test data, output.
func skipped(path string, d fs.DirEntry) bool {
	if strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "dist" {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// inspect returns a line for each forbidden use in one file.
func inspect(t *testing.T, path, rel string) []string {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Logf("skipping %s: %v", rel, err) // the compiler tells
		return nil
	}
	if len(f.Comments) > 0 && strings.HasPrefix(f.Comments[0].List[0].Text, "//go:build ignore") {
		return nil // a generator, run by hand
	}
	var out []string
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			out = append(out, rel+": func init: register in a constructor")
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		use := x.Name + "." + sel.Sel.Name
		allowed, forbidden := hermetic()[use]
		if forbidden && !slices.ContainsFunc(allowed, func(p string) bool { return within(rel, p) }) {
			out = append(out, fset.Position(n.Pos()).String()+": "+use+" lets the machine into a result")
		}
		return true
	})
	return out
}

func TestInspectBites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.go")
	code := "package bad\nimport (\"os\"; \"time\")\nfunc init() {}\nvar a, b = os.Getenv(\"HOME\"), time.Now()\n"
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := inspect(t, file, "compiler/bad/bad.go"); len(got) != 3 {
		t.Errorf("found %q, want three", got)
	}
	if got := inspect(t, file, "cmd/bad.go"); len(got) != 1 {
		t.Errorf("found %q in cmd, want one", got)
	}
}
