package seal

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// content is a small cluster artifact of the shape that emit writes.
func content(name string) *ir.Artifact {
	const head = `{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": `
	object := []byte(`{"apiVersion": "v1", "data": {"zone": "fleet.example"}, "kind": "ConfigMap", "metadata": {"name": "dns", "namespace": "dns"}}` + "\n")
	inventory := fmt.Appendf(nil, `{"version": "darkstart.dev/inventory/v1", "cluster": %q, "images": [], "objects": [`+
		`{"kind": "ConfigMap", "namespace": "dns", "name": "dns", "apiVersion": "v1", "part": "dns/run", "wave": 1, "file": "parts/dns/run/configmap-dns.yaml", "digest": %q}]}`+"\n",
		name, digest.Of(object))
	return &ir.Artifact{Name: name, Write: ir.Content([]ir.File{
		{Path: "kustomization.yaml", Data: []byte(head + `["parts/_guard", "parts/dns/run"]}` + "\n")},
		{Path: "meta/inventory.json", Data: inventory},
		{Path: "parts/dns/run/configmap-dns.yaml", Data: object},
		{Path: "parts/dns/run/kustomization.yaml", Data: []byte(head + `["configmap-dns.yaml"]}` + "\n")},
	})}
}

// with returns an artifact that has one more file.
func with(t testing.TB, a *ir.Artifact, f ir.File) *ir.Artifact {
	files, err := a.Files()
	if err != nil {
		t.Fatal(err)
	}
	return &ir.Artifact{Name: a.Name, Write: ir.Content(append(slices.Clip(files), f))}
}

// layerOf returns the layer of a bundle that is in memory.
func layerOf(b *Bundle) []byte { return b.Layer.(oci.Bytes) }

// released is a record that fits content.
func released(serial int) ir.Record {
	r := ir.Record{
		Serial: serial, Stream: "main", Issued: "2026-11-22T10:00:00Z", NotAfter: "2027-02-20T10:00:00Z",
		Revision: strings.Repeat("ab", 20), MinCompiler: "0.1.0",
	}
	if serial > 1 {
		r.Previous = digest.Of([]byte("the one before"))
	}
	return r
}

func mustSeal(t testing.TB, a *ir.Artifact, r ir.Record) *Bundle {
	t.Helper()
	b, diags, err := Seal(t.Context(), a, r, nil)
	if err != nil || b == nil {
		t.Fatalf("seal: %v\n%s", err, diags)
	}
	if err := b.Validate(); err != nil {
		t.Fatal(err)
	}
	return b
}

func password() ([]byte, error) { return []byte("correct horse"), nil }

// keys makes a signer in the role given, without the cost of a passphrase.
func keys(t testing.TB, a Algorithm, role Role) *Signer {
	t.Helper()
	private, err := generate(a)
	if err != nil {
		t.Fatal(err)
	}
	s, d := newSigner(string(a)+".key", role, private)
	if d != nil {
		t.Fatal(diag.List{d})
	}
	return s
}

func trust(t testing.TB, signers ...*Signer) *Trust {
	t.Helper()
	var keys []Trusted
	for _, s := range signers {
		keys = append(keys, s.Public())
	}
	tr, diags := NewTrust(keys...)
	if tr == nil {
		t.Fatal(diags)
	}
	return tr
}

// signed writes a layout with one signed bundle.
func signed(t testing.TB, b *Bundle, s *Signer) (dir string, l *oci.Layout) {
	t.Helper()
	dir = t.TempDir()
	l, err := WriteLayout(t.Context(), dir, []*Bundle{b})
	if err != nil {
		t.Fatal(err)
	}
	sig, diags, err := Sign(t.Context(), b, s)
	if err != nil || sig == nil {
		t.Fatalf("sign: %v %s", err, diags)
	}
	if err := Attach(t.Context(), l, sig); err != nil {
		t.Fatal(err)
	}
	return dir, l
}

// allOf returns diagnostics with their notes and fixes.
func allOf(l diag.List) string {
	var out strings.Builder
	for _, d := range l {
		fmt.Fprintln(&out, d, d.Notes, d.Help)
	}
	return out.String()
}

// codes returns the sorted codes of the errors, joined by blanks.
func codes(l diag.List) string {
	var out []string
	for _, d := range l.Sorted() {
		if d.Severity == diag.Error {
			out = append(out, d.Code)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestCodes guards `darkstart explain`: every code used here is documented and
// every documented one is used.
func TestCodes(t *testing.T) {
	documented := map[string]bool{}
	for _, e := range Codes {
		if documented[e.Code] || e.Title == "" || e.Why == "" || e.Fix == "" {
			t.Errorf("%s is documented twice or not fully", e.Code)
		}
		documented[e.Code] = true
	}
	used := map[string]bool{}
	files, _ := filepath.Glob("*.go")
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || strings.HasPrefix(f, "codes") {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range regexp.MustCompile(`"((?:SEA|SIG)\d{3})"`).FindAllStringSubmatch(string(src), -1) {
			used[c[1]] = true
			if !documented[c[1]] {
				t.Errorf("%s uses %s, which is not in Codes", f, c[1])
			}
		}
	}
	for c := range documented {
		if !used[c] {
			t.Errorf("%s is documented and never used", c)
		}
	}
}
