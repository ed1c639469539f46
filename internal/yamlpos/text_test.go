package yamlpos

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
)

// TestDocument guards that a document read alone is what it is in the whole:
// every value, and the place of every scalar.
func TestDocument(t *testing.T) {
	for _, c := range []struct {
		src   string
		whole int // documents that only the whole explains
	}{
		{"a: 1\n", 0},
		{"# c\n\n---\n# d\na: 1\n---\n---\nb: [1, {c: ü}]\n...\n# e\n--- {c: 1}\n---\td\n--- \n---e: 1\n", 0},
		{"---\na: |\n  ---\n  b: 1\nc: \"x\n  --- y\"\n---\r\nd: 'ü'\r\ne: f\r\n", 0},
		{"--- |\n ---\n x\n--- >\n\n y\n--- z\n", 0},
		{"a: &x 1\n---\nb: *x\n---\nc: &x 2\nd: *x\n", 1},
		{"a: &x {k: 1}\nb:\n  <<: *x\n---\n<<: {k: 2}\nc: 3\n", 0},
		{"%YAML 1.1\n---\na: 1\n---\nb: 1\n", 2},
		{"a: 1\n---\n? b\n: c\n---\n- d\n-\n  - e", 0},
		{"\ufeffa: 1\n---\nb: 2\n", 0},
		{"a: \"x\u0085---\"\n---\nb: 2\n", 1},
	} {
		documents(t, c.src, c.whole)
	}
}

// TestDocumentCorpus is TestDocument over upstream manifests.
func TestDocumentCorpus(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(corpus.Need(t), "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatal("no manifests in the corpus", err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(name), func(t *testing.T) { documents(t, string(src), 0) })
	}
}

func documents(t *testing.T, src string, whole int) {
	t.Helper()
	f, p := Parse([]byte(src), Limits{})
	if p != nil {
		t.Fatalf("%q: %v", src, p)
	}
	text, refused := NewText([]byte(src)), 0
	for _, d := range f.Documents {
		alone, ok := text.Document(d.Index, d.Line, d.Column, Limits{})
		if !ok {
			refused++
			continue
		}
		want := (&File{Documents: []Document{d}, Text: f.Text}).places()
		if got := alone.places(); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(alone.Documents[0].Value, d.Value) {
			t.Errorf("%.200q: document %d alone is\n%s\nand in the whole\n%s", src, d.Index, got, want)
		}
		if _, ok := text.Document(d.Index, d.Line, d.Column+1, Limits{}); ok {
			t.Errorf("%.200q: a document was found where none begins", src)
		}
	}
	if refused != whole {
		t.Errorf("%.200q: %d documents could not be had alone, want %d", src, refused, whole)
	}
}

func (f *File) places() string {
	var b strings.Builder
	for _, l := range f.Leaves() {
		at, ok := f.Locate(l.Document, l.Path)
		fmt.Fprintln(&b, l.Document, l.Path, l.Value, l.Place, at, ok)
	}
	return b.String()
}
