package lock_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestImport merges `import` into `old` (when there) and compares the lock, or
// the diagnostics, with the golden. The archive's comment may say "replace".
func TestImport(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no archives", err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{}
			for _, f := range ar.Files {
				files[f.Name] = f.Data
			}
			got := run(t, files, strings.Contains(string(ar.Comment), "replace"), seen)
			if *update {
				ar.Files = slices.DeleteFunc(ar.Files, func(f txtar.File) bool { return f.Name == "want" })
				ar.Files = append(ar.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(files["want"]) {
				t.Errorf("got (-update rewrites it):\n%s", got)
			}
		})
	}
	for _, c := range lock.Codes {
		if c.Code < "LCK007" && !seen[c.Code] { // those above are of LookUp and Locked
			t.Errorf("no archive shows %s", c.Code)
		}
	}
}

func run(t *testing.T, files map[string][]byte, replace bool, seen map[string]bool) string {
	t.Helper()
	var b strings.Builder
	show := func(ds diag.List) {
		for _, d := range ds {
			seen[d.Code] = true
			if !slices.ContainsFunc(lock.Codes, func(e diag.Entry) bool { return e.Code == d.Code && e.Severity == d.Severity }) || len(d.Help) == 0 {
				t.Errorf("%s is not documented or has no help", d.Code)
			}
			fmt.Fprintf(&b, "%s[%s]: %s\n", d.Severity, d.Code, d.Message)
			for _, l := range d.Labels {
				fmt.Fprintf(&b, "  %s-%d %s\n", l.Position, l.EndColumn, l.Text)
			}
		}
	}
	var old *lock.File
	if data, ok := files["old"]; ok {
		f, ds := lock.Parse("old", data)
		if show(ds); f == nil {
			return b.String()
		}
		old = f
	}
	in, ds := lock.Import("import", files["import"])
	if show(ds); in == nil {
		return b.String()
	}
	l, changes, ds := lock.Merge(old, in, &lock.Config{Replace: replace})
	if show(ds); l == nil {
		return b.String()
	}
	for _, c := range changes {
		fmt.Fprintf(&b, "%s %s: %s -> %s\n", c.Kind, c.Ref, c.Before.Short(), c.After.Short())
	}
	out, err := lock.Format(l)
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(out)
}

var (
	refs    = rapid.StringMatching(`(r[a-z]{0,3}\.example(:5000)?/)?[a-z]{1,4}(/[a-z]{1,4})?(:v[0-9.]{0,3})?`)
	digests = rapid.Custom(func(t *rapid.T) ir.LockEntry {
		return ir.LockEntry{Digest: digest.Of([]byte(rapid.String().Draw(t, "content"))), Signed: rapid.SampledFrom([]string{"", "cosign", "none"}).Draw(t, "signed")}
	})
	locks = rapid.Custom(func(t *rapid.T) *ir.Lock {
		l := lock.New()
		l.Images = rapid.MapOfN(refs, digests, 1, 8).Draw(t, "images")
		l.Charts = rapid.MapOfN(refs, digests, 0, 3).Draw(t, "charts")
		l.Other = rapid.MapOf(rapid.StringN(1, 5, -1), digests).Draw(t, "other")
		return l
	})
)

// TestRoundTrip: what is written is read back, and written again as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := locks.Draw(t, "lock")
		a, err := lock.Format(l)
		if err != nil {
			t.Fatal(err)
		}
		f, ds := lock.Parse(lock.Name, a)
		if len(ds) > 0 {
			t.Fatalf("%s\n%s", ds, a)
		}
		b, err := lock.Format(f.Lock)
		if err != nil || !bytes.Equal(a, b) {
			t.Fatalf("%v\n%s\n%s", err, a, b)
		}
		for ref := range l.Images {
			at := f.At(lock.Images, ref)
			line := strings.Split(string(a), "\n")[at.Line-1]
			if got := line[at.Column-1 : at.EndColumn-1]; got != `"`+ref+`"` {
				t.Fatalf("%s is not at %s: %q", ref, at, got)
			}
		}
	})
}

// TestMergeIsAUnion: importing a lock into itself changes nothing, and two
// locks that agree give the same in either order.
func TestMergeIsAUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := parsed(t, locks.Draw(t, "a")), parsed(t, locks.Draw(t, "b"))
		if _, changes, ds := lock.Merge(a, a, nil); len(changes) > 0 || len(ds) > 0 {
			t.Fatalf("into itself: %v %s", changes, ds)
		}
		ab, changes, ds := lock.Merge(a, b, nil)
		ba, _, back := lock.Merge(b, a, nil)
		if (ab == nil) != (ba == nil) || len(ds) != len(back) || (ab == nil) != ds.HasErrors() {
			t.Fatalf("conflicts depend on the order:\n%s\n%s", ds, back)
		}
		if ab == nil {
			return
		}
		keys := func(m map[string]ir.LockEntry) []string { return slices.Sorted(maps.Keys(m)) }
		if !slices.Equal(keys(ab.Images), keys(ba.Images)) || len(ab.Images)+len(ab.Charts)+len(ab.Other) != len(changes)+len(a.Lock.Images)+len(a.Lock.Charts)+len(a.Lock.Other) {
			t.Fatal("not a union")
		}
	})
}

func parsed(t *rapid.T, l *ir.Lock) *lock.File {
	b, err := lock.Format(l)
	if err != nil {
		t.Fatal(err)
	}
	f, ds := lock.Parse("x", b)
	if f == nil {
		t.Fatal(ds)
	}
	return f
}

// FuzzImport: no input panics; what is accepted is well-formed, and is read
// back from its own form.
func FuzzImport(f *testing.F) {
	d := "sha256:" + strings.Repeat("0", 64)
	for _, s := range []string{"a@" + d, "a:1\t" + d + "\r\n#x\n", "REPOSITORY TAG DIGEST\na <none> " + d, `{"version":"darkstart.dev/lock/v1","images":{"a":{"digest":"` + d + `"}}}`, "{", "[]", "\ufeff{}", `{"images":{"a":`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, ds := lock.Import("f", data)
		if (in == nil) != ds.HasErrors() {
			t.Fatalf("neither refused nor accepted: %s", ds)
		}
		if in == nil {
			return
		}
		b, err := lock.Format(in.Lock)
		if err != nil {
			t.Fatal(err)
		}
		again, ds := lock.Parse("f", b)
		if again == nil {
			t.Fatalf("%s\n%s", ds, b)
		}
	})
}
