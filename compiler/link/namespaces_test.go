package link_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// tenants renders components with a Namespace, a Deployment and Roles in the
// namespaces given.
func tenants(roles map[string][]string) string {
	var b strings.Builder
	b.WriteString("-- clusters/eu.yaml --\nkubernetes: \"1.36\"\ncomponents:\n")
	for _, c := range []string{"a", "b", "c"} {
		fmt.Fprintf(&b, "  %s: {source: {yaml: %s}}\n", c, c)
	}
	for _, c := range []string{"a", "b", "c"} {
		fmt.Fprintf(&b, "-- eu/%s.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s}\n", c, c)
		fmt.Fprintf(&b, "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s, namespace: %s}\nspec: {template: {spec: {containers: [{name: x}]}}}\n", c, c)
		for _, ns := range roles[c] {
			fmt.Fprintf(&b, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: %s, namespace: %s}\n", c, ns)
		}
	}
	return b.String()
}

// TestMutualNamespaces: Roles in each other's Namespaces are no circle.
func TestMutualNamespaces(t *testing.T) {
	for _, tc := range []struct {
		name   string
		roles  map[string][]string
		access string // components whose foreign Roles had to move
	}{
		{"own", map[string][]string{"a": {"a"}, "b": {"b"}}, ""},
		{"one way", map[string][]string{"a": {"b"}, "b": {"c"}}, ""},
		{"two", map[string][]string{"a": {"a", "b"}, "b": {"a"}, "c": {"a"}}, "a b"},
		{"three", map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a"}}, "a b c"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, _ := load(t, tenants(tc.roles))
			pos := order(t, f, "eu") // fails on a circle
			var moved []string
			for _, p := range f.Cluster("eu").Parts {
				if p.Name != ir.PartAccess {
					continue
				}
				moved = append(moved, p.Component)
				for _, o := range p.Objects {
					if o.Namespace == p.Component || o.Kind != "Role" {
						t.Errorf("%s/%s of %s moved without need", o.Namespace, o.Name, p.Component)
					}
					if host := "eu/" + o.Namespace + "@defs"; pos[p.Node] < pos[host] {
						t.Errorf("%s comes before %s", p.Node, host)
					}
				}
				if pos["eu/"+p.Component] < pos[p.Node] {
					t.Errorf("%s runs before its access is there", p.Component)
				}
			}
			if got := strings.Join(moved, " "); got != tc.access {
				t.Errorf("moved %q, want %q", got, tc.access)
			}
		})
	}
}
