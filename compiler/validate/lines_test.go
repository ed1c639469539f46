package validate

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// counted counts how often a file is opened.
type counted struct {
	fs.FS
	opened int
}

func (c *counted) Open(name string) (fs.File, error) {
	c.opened++
	return c.FS.Open(name)
}

// TestFilesAreReadOnce guards that a warning which a thousand clusters have does
// not parse their common manifest a thousand times, and that every cluster still
// has its line.
func TestFilesAreReadOnce(t *testing.T) {
	text := []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: 1\n")
	files := &counted{FS: fstest.MapFS{"a.yaml": {Data: text}}}
	cfg := &Config{Catalog: NewCatalog(kubernetes.FS), Lines: NewLines(files)}
	for _, cluster := range []string{"a", "b", "c"} {
		r := &ir.Rendered{Cluster: cluster, Components: []ir.RenderedComponent{{Name: "app", Objects: parse(t, "a.yaml", text)}}}
		_, ds, err := Validate(t.Context(), r, "1.36", cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) != 2 || ds[0].Labels[0].Line != 6 && ds[1].Labels[0].Line != 6 {
			t.Errorf("%s: %s", cluster, ds)
		}
	}
	if files.opened != 1 {
		t.Errorf("the file was opened %d times", files.opened)
	}
}
