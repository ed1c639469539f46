package seal

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

var update = flag.Bool("update", false, "rewrite golden files and vectors")

// TestGolden pins every byte of a small bundle: files, manifest, digests.
func TestGolden(t *testing.T) {
	b := mustSeal(t, content("eu-west-1"), released(2))
	files, err := b.Files()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "content  %s\ntar      %s\nlayer    %s\nmanifest %s\n\n%s\n", b.Content, b.Tar, b.LayerDigest(), b.Digest(), b.Manifest)
	for _, f := range files {
		fmt.Fprintf(&out, "\n-- %s --\n%s", f.Path, f.Data)
	}
	const name = "testdata/golden.txt"
	if *update {
		if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// TestRecordSide: a release changes the record and never the content digest;
// an artifact without manifests has no guard.
func TestRecordSide(t *testing.T) {
	one, two := mustSeal(t, content("eu"), released(1)), mustSeal(t, content("eu"), released(2))
	if one.Content != two.Content || one.Tar == two.Tar || one.Digest() == two.Digest() {
		t.Errorf("serials 1 and 2: content %s and %s, manifest %s and %s", one.Content, two.Content, one.Digest(), two.Digest())
	}
	fleet := mustSeal(t, &ir.Artifact{Name: "fleet", Write: ir.Content([]ir.File{{Path: "runbooks/all.md", Data: []byte("# All\n")}})}, released(1))
	files, err := fleet.Files()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || files[0].Path != RecordPath {
		t.Errorf("the fleet artifact has %d files, want its runbook and the record", len(files))
	}
	if again := two.Recorded().Record("main", "eu"); !reflect.DeepEqual(again, two.Record) {
		t.Errorf("an entry of the records gives %+v, sealed was %+v", again, two.Record)
	}
}

// TestNames: every name that some consumer would read differently is refused,
// with its own code and a fix.
func TestNames(t *testing.T) {
	for want, names := range map[string][]string{
		"":       {"a", "A/b-c_d.yaml", "a/.hidden", strings.Repeat("n", 100), "parts/_guardian/x", "jpg", "zip/a"},
		"SEA001": {"", "/a", "a/", "a//b", "./a", "../a", "a/../b", "a/..", "a b", "ä", "a\x00", `a\b`, strings.Repeat("n", 101), "a:b"},
		"SEA003": {
			".git/config", "a/.gitignore", "x.jpg", "a/B.PNG", "a.tar.gz", "b.zip", ".github/x", ".travis.yml", "a/.sops.yaml", ".flux.yaml",
			".sourceignore", "a/.sourceignore", ".argocd-source.yaml", ".argocd-source-app.yaml", "Chart.yaml", "parts/x/chart.yaml", "a.jsonnet", "a.jsonnet/b",
		},
		"SEA004": {"meta/bundle.json", "parts/_guard/a", "parts/_guard"},
		"SEA002": {"KUSTOMIZATION.yaml", "kustomization.yaml/a", "parts/dns", "parts/DNS/run/x"},
	} {
		for _, name := range names {
			a := with(t, content("eu"), ir.File{Path: name})
			b, diags, err := Seal(t.Context(), a, released(1), nil)
			if err != nil || codes(diags) != want || (b == nil) != (want != "") {
				t.Errorf("%q: want %q, got %v %s", name, want, err, diags)
			}
			for _, d := range diags {
				if len(d.Help) == 0 {
					t.Errorf("%q: no fix: %s", name, d.Message)
				}
			}
		}
	}
}

// TestRecordRefused: records that contradict themselves are never sealed.
func TestRecordRefused(t *testing.T) {
	for name, edit := range map[string]func(*ir.Record){
		"stream":              func(r *ir.Record) { r.Stream = "a b" },
		"no minCompiler":      func(r *ir.Record) { r.MinCompiler = "" },
		"revision":            func(r *ir.Record) { r.Revision = "main" },
		"time":                func(r *ir.Record) { r.Issued = "2026-11-22T10:00:00+01:00" },
		"ends before issue":   func(r *ir.Record) { r.NotAfter = "2026-11-22T10:00:00Z" },
		"negative":            func(r *ir.Record) { r.Serial = -1 },
		"first with previous": func(r *ir.Record) { r.Serial = 1 },
		"second without":      func(r *ir.Record) { r.Previous = "" },
		"bad previous":        func(r *ir.Record) { r.Previous = "sha256:1" },
		"candidate with time": func(r *ir.Record) { r.Serial, r.Previous = 0, "" },
		"no revision":         func(r *ir.Record) { r.Revision = "" },
	} {
		r := released(2)
		edit(&r)
		if b, diags, err := Seal(t.Context(), content("eu"), r, nil); b != nil || err != nil || codes(diags) != "SEA008" {
			t.Errorf("%s: %v %s", name, err, diags)
		}
	}
}

// TestLimitsAgree: what Seal accepts under some limits, Open accepts as well.
func TestLimitsAgree(t *testing.T) {
	a := with(t, content("eu"), ir.File{Path: "big", Data: make([]byte, 1<<20)})
	for _, l := range []Limits{{}, {Tar: 1 << 20}, {Layer: 100}, {Files: 3}, {Files: 8}, {Files: 9}, {Files: 10}, {Files: 11}, {Ratio: 1}} {
		b, diags, err := Seal(t.Context(), a, released(1), &Config{Limits: l})
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			if codes(diags) != "SEA005" {
				t.Errorf("%+v: %s", l, diags)
			}
			continue
		}
		if again, diags, err := Open(layerOf(b), l); err != nil || again == nil {
			t.Errorf("%+v: sealed, and not opened: %v %s", l, err, diags)
		}
	}
	b := mustSeal(t, a, released(1))
	for _, l := range []Limits{{Tar: 1 << 20}, {Layer: 100}, {Files: 3}, {Ratio: 1}} {
		if again, diags, err := Open(layerOf(b), l); err != nil || again != nil || codes(diags) != "SEA005" {
			t.Errorf("%+v: %v %s", l, err, diags)
		}
	}
}

// TestRoundTrip: any set of allowed files comes back as it went in, whatever
// their order was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		files := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) ir.File {
			return ir.File{
				Path: rapid.StringMatching(`[a-f]{1,3}(/[g-k0-9_-]{1,4}){0,2}/[l-z]{1,5}\.md`).Draw(rt, "path"),
				Data: rapid.SliceOfN(rapid.Byte(), 0, 1500).Draw(rt, "data"),
			}
		}), 0, 12, func(f ir.File) string { return f.Path }).Draw(rt, "files")
		shuffled := rapid.Permutation(files).Draw(rt, "order")
		b, diags, err := Seal(t.Context(), &ir.Artifact{Name: "eu", Write: ir.Content(shuffled)}, released(1), nil)
		if err != nil || b == nil {
			rt.Fatalf("seal: %v %s", err, diags)
		}
		if err := b.Validate(); err != nil {
			rt.Fatal(err)
		}
		again, diags, err := Open(layerOf(b), Limits{})
		if err != nil || again == nil {
			rt.Fatalf("open: %v %s", err, diags)
		}
		if again.Digest() != b.Digest() || again.Content != b.Content || !reflect.DeepEqual(again.Record, b.Record) {
			rt.Fatalf("came back as another bundle")
		}
		want, err := (&ir.Artifact{Write: ir.Content(files)}).Files()
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := again.Artifact.Files(); err != nil || !slices.EqualFunc(got, want, func(a, b ir.File) bool { return a.Path == b.Path && bytes.Equal(a.Data, b.Data) }) {
			rt.Fatalf("came back with other files")
		}
	})
}

// TestValidate: an oracle that never objects is none.
func TestValidate(t *testing.T) {
	for name, edit := range map[string]func(*Bundle){
		"layer":    func(b *Bundle) { b.Layer = oci.Bytes(append(slices.Clone(layerOf(b)), 0)) },
		"manifest": func(b *Bundle) { b.Manifest = append(slices.Clone(b.Manifest), ' ') },
		"content":  func(b *Bundle) { b.Content = digest.Of(nil) },
		"tar":      func(b *Bundle) { b.Tar = digest.Of(nil) },
		"record":   func(b *Bundle) { b.Record.Serial++ },
		"config":   func(b *Bundle) { b.Config = []byte("{ }") },
	} {
		b := mustSeal(t, content("eu"), released(1))
		edit(b)
		if b.Validate() == nil {
			t.Errorf("a bundle with another %s is valid", name)
		}
	}
}

// FuzzOpen: no layer panics, and every layer that is accepted is exactly what
// sealing its files gives.
func FuzzOpen(f *testing.F) {
	b := mustSeal(f, content("eu-west-1"), released(2))
	f.Add(layerOf(b))
	f.Add(layerOf(b)[:len(layerOf(b))/2])
	f.Add([]byte{})
	for _, v := range storedVectors(f) {
		f.Add(v.Layer)
	}
	f.Fuzz(func(t *testing.T, layer []byte) {
		limits := Limits{Tar: 1 << 22, Files: 1000}
		b, diags, err := Open(layer, limits)
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			if s, _ := diags.Max(); s != diag.Error {
				t.Fatal("refused without a reason")
			}
			return
		}
		again, diags, err := Seal(t.Context(), b.Artifact, b.Record, &Config{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		if again == nil { // Seal keeps a margin below the limits that Open has
			if codes(diags) != "SEA005" {
				t.Fatalf("opened, and cannot be sealed: %s", diags)
			}
			return
		}
		if !bytes.Equal(layerOf(again), layer) {
			t.Fatal("accepted a layer that sealing does not give")
		}
	})
}

// FuzzRead: no manifest panics, and one that is accepted fits its layer.
func FuzzRead(f *testing.F) {
	b := mustSeal(f, content("eu-west-1"), released(2))
	f.Add(b.Manifest)
	for _, v := range storedVectors(f) {
		f.Add(v.Manifest)
	}
	f.Fuzz(func(t *testing.T, manifest []byte) {
		got, diags, err := Read(manifest, func(digest.Digest, int64) ([]byte, error) { return layerOf(b), nil }, Limits{})
		if err != nil || got == nil && !diags.HasErrors() {
			t.Fatalf("%v %s", err, diags)
		}
		if got != nil && !bytes.Equal(manifest, b.Manifest) {
			t.Fatal("two manifests fit one layer")
		}
	})
}

// TestHeld: what an artifact is sealed into does not depend on how its files were
// held meanwhile: where others were before, and packed when they are many.
func TestHeld(t *testing.T) {
	r := rand.NewChaCha8([32]byte{})
	for _, n := range []int{3, 40, 2} {
		var files []ir.File
		for i := range n {
			page := make([]byte, 1<<20)
			r.Read(page) //nolint:errcheck // never fails
			files = append(files, ir.File{Path: fmt.Sprintf("runbooks/%d.md", n-i), Data: page})
		}
		a := &ir.Artifact{Name: "fleet", Write: func(create func(string) io.Writer) error {
			var place []byte
			for _, f := range files {
				w := create(f.Path)
				for piece := range slices.Chunk(f.Data, 300_000) {
					place = append(place[:0], piece...)
					if _, err := w.Write(place); err != nil {
						return err
					}
					clear(place)
				}
			}
			return nil
		}}
		b := mustSeal(t, a, released(1))
		whole := holdFiles(files)
		content, diags, err := contentOf("fleet", whole)
		if err != nil || len(diags) > 0 || b.Content != content {
			t.Fatalf("%d files: content %s, and %s of files in memory: %v %s", n, b.Content, content, err, diags)
		}
		if want, err := pack(a, whole, b.Record, content); err != nil || want.Digest() != b.Digest() {
			t.Fatalf("%d files: another bundle than of files in memory: %v", n, err)
		}
	}
}

// TestHeldFails: an artifact that cannot be made is an error, and leaves nothing
// for the next one.
func TestHeldFails(t *testing.T) {
	broken := errors.New("broken")
	_, _, err := NewDraft(&ir.Artifact{Name: "eu", Write: func(create func(string) io.Writer) error {
		_, err := create("a").Write([]byte("a"))
		return errors.Join(err, broken)
	}})
	if !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	if b := mustSeal(t, &ir.Artifact{Name: "eu", Write: ir.Content([]ir.File{{Path: "b", Data: []byte("b")}})}, released(1)); b.Count != 1 {
		t.Fatalf("%d files", b.Count)
	}
}

// TestSealsOnce: the files of a draft are gone when it is sealed, and an empty
// bundle under its name would be worse than an error.
func TestSealsOnce(t *testing.T) {
	d, diags, err := NewDraft(content("eu"))
	if err != nil || d == nil {
		t.Fatalf("%v %s", err, diags)
	}
	if b, diags, err := d.Seal(t.Context(), released(1), nil); err != nil || b == nil {
		t.Fatalf("%v %s", err, diags)
	}
	if b, _, err := d.Seal(t.Context(), released(2), nil); err == nil || b != nil {
		t.Errorf("sealed again: %v", b)
	}
}
