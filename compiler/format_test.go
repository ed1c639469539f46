package compiler_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/format"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Format gives the bytes of stock `cue fmt`, and of OPA's formatter, whatever it
// is given: the example fleet as it is, and with its white space in disorder.
func TestFormatEqualsStock(t *testing.T) {
	cue := tools.Path(t, tools.CUE)
	files := filesOf(t, os.DirFS(filepath.Join(fleets, "example")))
	for name, text := range profile(t, "production") {
		files["production/"+name] = text
	}
	dir := t.TempDir()
	n := 0
	for name, text := range files {
		ext := filepath.Ext(name)
		if ext != ".cue" && ext != ".rego" {
			continue
		}
		n++
		if ext == ".cue" { // white space has no meaning in CUE but for line breaks
			text = strings.ReplaceAll(text, "\t", "   ")
		}
		got, ds := compiler.Format(name, []byte(text))
		if len(ds) > 0 {
			t.Fatalf("%s: %s", name, ds)
		}
		var want []byte
		if ext == ".rego" {
			var err error
			if want, err = format.Source(name, []byte(text)); err != nil {
				t.Fatal(err)
			}
		} else {
			file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(cue, "fmt", file).CombinedOutput(); err != nil {
				t.Fatalf("cue fmt %s: %v\n%s", name, err, out)
			}
			want, _ = os.ReadFile(file)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: not what the stock program writes:\n%s", name, got)
		}
	}
	if n < 20 {
		t.Errorf("only %d files were formatted", n)
	}
}

func TestFormattedLeavesOthersAlone(t *testing.T) {
	got := compiler.Formatted(tree.FromMap(map[string]string{
		"darkstart.cue": "", "cue.mod/module.cue": "", "cue.mod/pkg/x/x.cue": "", "policies/a.rego": "", "policies/vendor/b/b.rego": "",
		"components/web/chart/Chart.yaml": "", "components/web/chart/files/x.rego": "", "components/web/component.cue": "", "README.md": "",
	}))
	if want := "components/web/component.cue darkstart.cue policies/a.rego"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
