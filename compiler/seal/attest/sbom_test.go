package attest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

func contents() Contents {
	hash := strings.Repeat("0a", 32)
	return Contents{
		Images: []Image{
			{Ref: "registry.example/fleet/dns:1.2", Digest: digest.Of([]byte("dns")), Components: []string{"dns", "web"}, Signed: "cosign", Provenance: "slsa"},
			{Ref: "nginx", Components: []string{"web"}}, // pinned by nobody
			{Ref: "registry.example/fleet/dns:1.2", Digest: digest.Of([]byte("older")), Components: []string{"old"}},
		},
		Charts: []Chart{
			{Chart: ir.Chart{Name: "web", Version: "1.0.0", AppVersion: "9", Path: "charts/web.tgz", Digest: digest.Of([]byte("chart"))}, Components: []string{"web"}},
			{Chart: ir.Chart{Name: "db", Version: "2.0.0+a", Path: "charts/db", Hash: hash}, Components: []string{"db"}},
			{Chart: ir.Chart{Name: "common", Version: "3.0.0", Path: "charts/db", Sub: true}, Components: []string{"db"}},
		},
	}
}

// boms makes both documents of some contents.
func boms(t interface {
	Fatal(...any)
	Helper()
}, b Bundle, c Contents,
) map[string]*Predicate {
	t.Helper()
	x, err := NewCycloneDX(b, c, run())
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSPDX(b, c, run())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*Predicate{CycloneDX: x, SPDX: s}
}

// TestBillsOfMaterials guards that both formats list the same things, with the
// digests, and do not depend on the order in which they were found.
func TestBillsOfMaterials(t *testing.T) {
	made := boms(t, bundle(), contents())
	shuffled := contents()
	slices.Reverse(shuffled.Images)
	slices.Reverse(shuffled.Charts)
	for kind, p := range boms(t, bundle(), shuffled) {
		if !bytes.Equal(p.JSON, made[kind].JSON) {
			t.Errorf("%s depends on the order of its input", kind)
		}
	}
	for kind, p := range made {
		for _, want := range []string{
			`"` + digest.Of([]byte("dns")).Hex() + `"`, `"` + digest.Of([]byte("older")).Hex() + `"`, `"` + digest.Of([]byte("chart")).Hex() + `"`,
			`"` + bundle().Manifest.Hex() + `"`, `"docker.io/library/nginx"`, `pkg:oci/nginx?repository_url=docker.io/library/nginx"`,
			"pkg:helm/db@2.0.0%2Ba", "pkg:helm/common@3.0.0", bundle().Record.Issued, strings.Repeat("0a", 32), "slsa",
		} {
			if !bytes.Contains(p.JSON, []byte(want)) {
				t.Errorf("%s lacks %s:\n%s", kind, want, p.JSON)
			}
		}
		c, err := Read(kind, p.JSON)
		want := map[string]string{CycloneDX: "CycloneDX 1.6 6", SPDX: "SPDX 2.3 7"}[kind] // SPDX lists the bundle itself
		if err != nil || fmt.Sprint(c.Format, " ", c.Listed) != want {
			t.Errorf("read %s: %+v, %v, want %s", kind, c, err, want)
		}
	}
}

// TestPublishedSchemas holds both documents to the schemas that their projects
// publish, for any names that a fleet may have.
func TestPublishedSchemas(t *testing.T) {
	schemas := map[string]*jsonschema.Schema{
		CycloneDX: schema(t, "github.com/CycloneDX/cyclonedx-go@v0.12.0", "schema/bom-1.6.schema.json", map[string]string{
			"http://cyclonedx.org/schema/spdx.schema.json":     "schema/spdx.schema.json",
			"http://cyclonedx.org/schema/jsf-0.82.schema.json": "schema/jsf-0.82.schemax.json",
		}),
		SPDX: schema(t, "github.com/anchore/syft@v1.32.0", "schema/spdx-json/spdx-schema-2.3.json", nil),
	}
	valid := func(kind string, b []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return err
		}
		return schemas[kind].Validate(doc)
	}
	for _, c := range []Contents{{}, contents()} {
		for kind, p := range boms(t, bundle(), c) {
			if err := valid(kind, p.JSON); err != nil {
				t.Errorf("%s:\n%s\n%v", kind, p.JSON, err)
			}
		}
	}
	// The schemas bite.
	for kind, edit := range map[string][2]string{
		CycloneDX: {`"type":"container"`, `"type":"image"`}, SPDX: {`"dataLicense"`, `"dataLicence"`},
	} {
		bad := strings.Replace(string(boms(t, bundle(), contents())[kind].JSON), edit[0], edit[1], 1)
		if valid(kind, []byte(bad)) == nil {
			t.Errorf("the schema of %s takes anything", kind)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 12, -1)
		c := Contents{}
		for range rapid.IntRange(0, 3).Draw(t, "images") {
			c.Images = append(c.Images, Image{Ref: text.Draw(t, "ref"), Components: []string{text.Draw(t, "component")}})
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "charts") {
			c.Charts = append(c.Charts, Chart{Chart: ir.Chart{Name: text.Draw(t, "name"), Version: text.Draw(t, "version"), Path: fmt.Sprint(i)}})
		}
		c.Images = slices.CompactFunc(c.sorted().Images, func(a, b Image) bool { return a.Ref == b.Ref })
		for kind, p := range boms(t, bundle(), c) {
			if err := valid(kind, p.JSON); err != nil {
				t.Fatalf("%s:\n%s\n%v", kind, p.JSON, err)
			}
		}
	})
}

// schema compiles a published schema out of a module, and what it refers to.
func schema(t *testing.T, module, file string, refs map[string]string) *jsonschema.Schema {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir = t.TempDir() // no go.mod: the module need not be a dependency
	out, err := cmd.Output()
	var m struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil {
		tools.Missing(t, "%s: %v", module, err)
	}
	c := jsonschema.NewCompiler()
	load := func(url, file string) {
		b, err := os.ReadFile(filepath.Join(m.Dir, filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	for url, file := range refs {
		load(url, file)
	}
	url := "http://cyclonedx.org/schema/main.json"
	load(url, file)
	s, err := c.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBillsRefused: documents that are not what their type says.
func TestBillsRefused(t *testing.T) {
	made := boms(t, bundle(), contents())
	for _, x := range []struct{ kind, old, new, want string }{
		{CycloneDX, `"CycloneDX"`, `"Cyclone"`, "bomFormat"},
		{CycloneDX, `"1.6"`, `"9.9"`, "specification version"},
		{CycloneDX, `"bomFormat"`, `"BomFormat":"x","bomFormat"`, "in one object"},
		{CycloneDX, `"components":[`, `"components":[7,`, "cannot unmarshal"},
		{SPDX, `"SPDX-2.3"`, `"SPDX-9"`, "version"},
		{SPDX, `"SPDXID":"SPDXRef-DOCUMENT"`, `"SPDXID":"SPDXRef-X"`, `SPDXID is "X"`},
		{SPDX, `"documentNamespace"`, `"namespace"`, "documentNamespace required"},
		{SPDX, `"creationInfo"`, `"creation"`, "creationInfo required"},
		{SPDX, `"relatedSpdxElement":"SPDXRef-Bundle"`, `"relatedSpdxElement":"SPDXRef-Other"`, "no such package"},
		{SPDX, `"packages":[`, `"packages":[{"name":"a","name":"b"},`, "in one object"},
	} {
		text := string(made[x.kind].JSON)
		if !strings.Contains(text, x.old) {
			t.Fatalf("%s is not in\n%s", x.old, text)
		}
		c, err := Read(x.kind, []byte(strings.Replace(text, x.old, x.new, 1)))
		if err == nil || c != nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s for %s: %v, want %q", x.new, x.old, err, x.want)
		}
	}
}
