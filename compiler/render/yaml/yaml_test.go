package yaml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// TestDecode guards which documents are objects, and where they stand.
func TestDecode(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"documents", "# c\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\n---\n{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"b\"}}\n", "3 Secret a doc 0; 8 Secret b doc 2; "},
		{"list", "kind: RoleList\napiVersion: rbac.authorization.k8s.io/v1\nitems:\n- apiVersion: rbac.authorization.k8s.io/v1\n  kind: Role\n  metadata: {name: \"system:x\"}\n", "4 Role system:x doc 0/items/0; "},
		{"list in list", "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: a}}]}]}", "1 Secret a doc 0/items/0/items/0; "},
		{"empty list", "{apiVersion: v1, kind: List, items: []}", ""},
		{"a kind named List", "{apiVersion: x.example/v1, kind: AllowList, metadata: {name: l}, spec: {}}", "1 AllowList l doc 0; "},
		{"anchors", "x: &m {name: a}\napiVersion: v1\nkind: Secret\nmetadata: *m\n", "1 Secret a doc 0; "},
		{"generateName", "{apiVersion: batch/v1, kind: Job, metadata: {generateName: j-}}", "1 Job  doc 0; "},
		{"scalar document", "--- hello\n", "RND015 1:5; "},
		{"no kind", "apiVersion: v1\n", "RND016 1:1; "},
		{"no metadata", "{apiVersion: v1, kind: Secret}", "RND016 1:1; "},
		{"no name", "{apiVersion: v1, kind: Secret, metadata: {}}", "RND017 1:1; "},
		{"boolean name", "{apiVersion: v1, kind: Secret, metadata: {name: no}}", "RND018 1:1; "},
		{"namespace", "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: a.b}}", "RND018 1:1; "},
		{"service", "{apiVersion: v1, kind: Service, metadata: {name: a.b}}", "RND018 1:1; "},
		{"role", "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a/b}}", "RND018 1:1; "},
		{"item", "apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n", "RND016 4:3; "},
		{"syntax", "a: [\n", "RND003 1:0; "},
		{"many", strings.Repeat("---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", 9), "RND019 0:0; "},
	}
	known := map[string]bool{}
	for _, c := range yaml.Codes {
		known[c.Code] = true
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			objects, ds := yaml.Decode("f.yaml", []byte(tt.doc), yaml.Limits{Objects: 8})
			var b strings.Builder
			for _, o := range objects {
				b.WriteString(strings.Join([]string{itoa(o.Origin.Pos.Line), o.Kind, o.Name, "doc"}, " ") + " " + itoa(o.Origin.Document) + o.Origin.Within + "; ")
			}
			for _, d := range ds {
				if !known[d.Code] || len(d.Help) == 0 {
					t.Errorf("%s has no entry or no help", d.Code)
				}
				b.WriteString(d.Code + " " + itoa(d.Primary().Line) + ":" + itoa(d.Primary().Column) + "; ")
			}
			if d := cmp.Diff(tt.want, b.String()); d != "" {
				t.Errorf("(-want +got):\n%s%s", d, ds)
			}
		})
	}
}

func itoa(n int) string { return string(rune('0' + n)) }

// TestLimits guards that a large file is refused before it is read, and that a
// component is bounded as a whole.
func TestLimits(t *testing.T) {
	entries := []tree.Entry{{Path: "m/huge.yaml", Mode: tree.Regular, Size: 100 << 20}}
	tr, err := tree.New(entries, func(tree.Entry) ([]byte, error) { panic("the file was read") })
	if err != nil {
		t.Fatal(err)
	}
	_, ds, err := yaml.Render(tr, "m", yaml.Limits{})
	if err != nil || len(ds) != 1 || ds[0].Code != "RND006" {
		t.Errorf("%v %s", err, ds)
	}
	two := tree.FromMap(map[string]string{"m/a.yaml": "a: 1\n", "m/b.yaml": "a: 1\n"})
	_, ds, _ = yaml.Render(two, "m", yaml.Limits{Total: 7})
	if len(ds) == 0 || ds[len(ds)-1].Code != "RND006" {
		t.Errorf("a component over its limit: %s", ds)
	}
}

// TestEveryProblemHasACode guards the table between reader and catalogue.
func TestEveryProblemHasACode(t *testing.T) {
	for k := yamlpos.Syntax; k <= yamlpos.Tag; k++ {
		d := yaml.FromProblem("f", &yamlpos.Problem{Kind: k, Line: 1, Message: "m"})
		if d.Code == "" || d.Severity != diag.Error || len(d.Help) == 0 {
			t.Errorf("kind %d: %+v", k, d)
		}
	}
}
