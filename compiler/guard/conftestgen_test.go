package guard_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/spec"
)

// generatedCases makes n policies from a grammar: the shapes of rules that
// conftest knows, over conditions that some inputs meet. The seed of a policy is
// its number, so that a failure names what to look at.
func generatedCases(n int) []*conftestCase {
	var out []*conftestCase
	for i := range n {
		g := &generator{rand.New(rand.NewPCG(4, uint64(i)))}
		x := &conftestCase{name: fmt.Sprintf("generated/%03d", i), files: map[string]string{}}
		packages := []string{"main", "main", "team.a", "team.b"}[:1+g.IntN(4)]
		for f, p := range packages {
			x.files[fmt.Sprintf("policies/%d.rego", f)] = g.policy(p)
		}
		x.files["tables/kinds.yaml"] = "kinds: [Pod, Secret, Widget]\nlimit: 1000000\n"
		x.settings = g.settings()
		out = append(out, x)
	}
	return out
}

type generator struct{ *rand.Rand }

func (g *generator) settings() spec.PolicySettings {
	s := spec.PolicySettings{Combine: g.IntN(6) == 0}
	switch g.IntN(3) {
	case 0:
		s.AllNamespaces = true
	case 1:
		s.Namespaces = []string{"main", "team.*"}
	}
	if g.IntN(2) == 0 {
		s.Data = []string{"tables"}
	}
	return s
}

func (g *generator) of(list ...string) string { return list[g.IntN(len(list))] }

func (g *generator) policy(pkg string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nobjects contains o if some o in [x.contents | some x in input; x.contents]\n\nobjects contains input if is_object(input)\n\n", pkg)
	b.WriteString("helper(o) := \"large\" if o.spec.replicas > 2\n\nhelper(o) := \"small\" if o.spec.replicas <= 2\n\n")
	for range 1 + g.IntN(4) {
		b.WriteString(g.rule())
	}
	for range g.IntN(3) {
		fmt.Fprintf(&b, "exception contains %s if {\n%s}\n\n", g.of(`["a"]`, `["b_c", "a"]`, `[""]`, `{"a", ""}`, `[o.kind]`), g.body())
	}
	return b.String()
}

func (g *generator) rule() string {
	name := g.of("deny", "warn", "violation") + g.of("", "", "_a", "_b_c", "_Pod", "_warn_a")
	return fmt.Sprintf("%s contains %s if {\n%s}\n\n", name, g.head(), g.body())
}

func (g *generator) head() string {
	msg := g.of(`"text"`, `o.metadata.name`, `sprintf("%v", [o.spec])`, `sprintf("%s of %v", [o.kind, object.get(o, "spec", null)])`,
		`json.marshal(o.metadata)`, `concat("/", [o.kind, o.metadata.name])`, `helper(o)`, `sprintf("%d", [o.spec.replicas])`)
	switch g.IntN(4) {
	case 0:
		return fmt.Sprintf(`{"msg": %s, "kind": o.kind, "spec": object.get(o, "spec", {})}`, msg)
	case 1:
		return fmt.Sprintf(`{"msg": %s, "_loc": {"file": "f.yaml", "line": count(o)}}`, msg)
	}
	return msg
}

func (g *generator) body() string {
	var b strings.Builder
	b.WriteString("\tsome o in objects\n")
	for range g.IntN(3) {
		fmt.Fprintf(&b, "\t%s%s\n", g.of("", "", "not "), g.of(
			`o.kind == "Pod"`, `o.kind in {"Deployment", "Service", "Secret"}`, `o.spec.replicas > 1`, `o.metadata.namespace`,
			`startswith(o.metadata.name, "w")`, `to_number(o.metadata.name)`, `o.kind in data.kinds`, `o.spec.replicas >= data.limit`,
			`object.get(o, ["spec", "template", "spec", "containers"], []) != []`, `count(object.get(o.metadata, "labels", {})) > 1`,
			`time.parse_duration_ns(o.spec.interval) > 0`, `regex.match("^[a-m]", o.metadata.name)`, `helper(o) == "large"`,
		))
	}
	return b.String()
}
