package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// graph is who imports whom: packages of this module by their path in it,
// others by their import path.
type graph map[string][]string

// load asks the go command for the packages of the module. Test files are left
// out: they may import what they like.
func load(t *testing.T) graph {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", module+"/...")
	cmd.Dir = "../.."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		imports := make([]string, 0, len(p.Imports))
		for _, i := range p.Imports {
			imports = append(imports, relative(i))
		}
		g[relative(p.ImportPath)] = imports
	}
	if len(g) < 10 {
		t.Fatalf("go list found only %d packages", len(g))
	}
	return g
}

func relative(path string) string { return strings.TrimPrefix(path, module+"/") }

// rule forbids packages to reach others through the module.
type rule struct {
	name    string
	because string
	from    func(pkg string) bool
	to      func(from, imported string) bool
	// direct looks at the package's own imports only.
	direct bool
}

func rules() []rule {
	production := func(pkg string) bool { return !fixture(pkg) && pkg != "internal/archtest" }
	return []rule{
		{
			name: "a stage imports no stage", because: "stages pass nouns; only the façade knows their order",
			from: func(pkg string) bool { return stage(pkg) != "" },
			to:   func(from, to string) bool { return stage(to) != "" && stage(to) != stage(from) || to == module },
		},
		{
			name: "only the façade runs the pipeline", because: "the order is known in one place",
			from:   func(pkg string) bool { return pkg != "compiler" && stage(pkg) == "" && production(pkg) },
			to:     func(_, to string) bool { return slices.Contains(pipeline(), stage(to)) },
			direct: true,
		},
		{
			name: "leaves know no stage", because: "they are below the compiler; its nouns are as far as they may look",
			from: func(pkg string) bool {
				return within(pkg, "internal") && !within(pkg, "internal/cli") && !within(pkg, "internal/report") && production(pkg) ||
					within(pkg, "plans") || within(pkg, "policies") || within(pkg, "schemas")
			},
			to: func(_, to string) bool { return stage(to) != "" || to == "compiler" },
		},
		{
			name: "the nouns import no stage and nothing heavy", because: "everything imports them",
			from: func(pkg string) bool { return pkg == "compiler/ir" || pkg == "plans" },
			to: func(_, to string) bool {
				return stage(to) != "" || ownerOf(to) != "" && ownerOf(to) != "internal/diag"
			},
		},
		{
			name: "the solver does no I/O", because: "a plan is a pure function of its model (D2)",
			from: func(pkg string) bool { return within(pkg, "plans") && production(pkg) },
			to: func(_, to string) bool {
				if to == "math/rand/v2" {
					return false // seeded by the plan; TestSourceIsHermetic forbids its global source
				}
				return slices.ContainsFunc([]string{"os", "net", "io/fs", "io/ioutil", "syscall", "log", "path/filepath", "math/rand", "crypto/rand"},
					func(p string) bool { return within(to, p) })
			},
			direct: true,
		},
		{
			name: "production imports no tests", because: "testing registers flags, and fakes do not ship",
			from:   production,
			to:     func(_, to string) bool { return within(to, "testing") || fixture(to) },
			direct: true,
		},
	}
}

// fixture reports whether a package is for tests alone.
func fixture(pkg string) bool {
	return slices.ContainsFunc(fixtures(), func(root string) bool { return within(pkg, root) })
}

// ownerOf returns the owner of a dependency, "" for what nobody owns.
func ownerOf(path string) string {
	for prefix, owner := range owners() {
		if within(path, prefix) {
			return owner
		}
	}
	return ""
}

// check returns one line for each package that breaks a rule, with the chain.
func (g graph) check(r rule) []string {
	var out []string
	for _, pkg := range g.sorted() {
		if !r.from(pkg) {
			continue
		}
		if chain := g.chain(pkg, r); chain != nil {
			out = append(out, fmt.Sprintf("%s: %s\n\t(%s)", r.name, strings.Join(chain, "\n\t  imports "), r.because))
		}
	}
	return out
}

// chain finds the shortest path from a package to something forbidden.
func (g graph) chain(from string, r rule) []string {
	seen, queue := map[string]bool{from: true}, [][]string{{from}}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		for _, next := range g[path[len(path)-1]] {
			if seen[next] {
				continue
			}
			seen[next] = true
			longer := append(slices.Clone(path), next)
			if r.to(from, next) {
				return longer
			}
			if !r.direct {
				queue = append(queue, longer)
			}
		}
	}
	return nil
}

func (g graph) sorted() []string {
	var out []string
	for pkg := range g {
		out = append(out, pkg)
	}
	slices.Sort(out)
	return out
}

// strays returns what the map does not hold: packages without a place, and
// dependencies imported by another package than their owner, or by two.
func (g graph) strays() []string {
	var out []string
	users := map[string]string{} // dependency without a named owner to its first user
	for _, pkg := range g.sorted() {
		home := place(pkg)
		if home == "" {
			out = append(out, fmt.Sprintf("%s is not on the map (internal/archtest/map.go)", pkg))
			continue
		}
		if fixture(pkg) {
			continue
		}
		for _, dep := range g[pkg] {
			first, _, _ := strings.Cut(dep, "/")
			if !strings.Contains(first, ".") || slices.ContainsFunc(shared(), func(s string) bool { return within(dep, s) }) {
				continue
			}
			owner := ownerOf(dep)
			if owner == "" {
				key := repository(dep)
				if users[key] == "" {
					users[key] = home
				}
				owner = users[key]
			}
			if !within(pkg, owner) {
				out = append(out, fmt.Sprintf("%s imports %s, which belongs to %s", pkg, dep, owner))
			}
		}
	}
	return out
}

// repository shortens an import path to host, owner and name.
func repository(path string) string {
	parts := strings.SplitN(path, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

func TestArchitecture(t *testing.T) {
	g := load(t)
	for _, s := range g.strays() {
		t.Error(s)
	}
	for _, r := range rules() {
		for _, s := range g.check(r) {
			t.Error(s)
		}
	}
}

// TestRulesBite plants one violation of each rule and expects it to be found,
// with its chain.
func TestRulesBite(t *testing.T) {
	planted := map[string]graph{
		"a stage imports no stage": {
			"compiler/link": {"internal/graph"}, "internal/graph": {"compiler/render"},
		},
		"only the façade runs the pipeline":           {"internal/cli": {"compiler/link"}},
		"leaves know no stage":                        {"internal/tree": {"internal/object"}, "internal/object": {"compiler/link"}},
		"the nouns import no stage and nothing heavy": {"compiler/ir": {"internal/spec"}, "internal/spec": {"cuelang.org/go/cue"}},
		"the solver does no I/O":                      {"plans/solver": {"os"}},
		"production imports no tests":                 {"compiler/emit": {"testing/fstest"}},
	}
	for _, r := range rules() {
		g, ok := planted[r.name]
		if !ok {
			t.Errorf("no violation planted for %q", r.name)
			continue
		}
		if found := g.check(r); len(found) == 0 || !strings.Contains(found[0], "imports") {
			t.Errorf("%q misses its violation: %v", r.name, found)
		}
		clean := graph{"compiler/link": {"compiler/ir", "fmt"}, "compiler": {"compiler/link"}, "plans/solver": {"plans", "math/big"}}
		if found := clean.check(r); len(found) != 0 {
			t.Errorf("%q fires on a clean graph: %v", r.name, found)
		}
	}
}

func TestStraysBite(t *testing.T) {
	g := graph{
		"internal/util":      nil,
		"compiler/unheard":   nil,
		"compiler/link":      {"cuelang.org/go/cue", "golang.org/x/sync/errgroup"},
		"compiler/guard":     {"github.com/open-policy-agent/opa/v1/rego", "github.com/some/library/a"},
		"compiler/emit":      {"github.com/some/library/b"},
		"compiler/seal/tgz":  {"github.com/klauspost/compress/gzip"},
		"schemas/kubernetes": {"embed"},
	}
	want := []string{
		"compiler/guard imports github.com/some/library/a, which belongs to compiler/emit",
		"compiler/link imports cuelang.org/go/cue, which belongs to compiler/evaluate",
		"compiler/unheard is not on the map (internal/archtest/map.go)",
		"internal/util is not on the map (internal/archtest/map.go)",
	}
	if got := g.strays(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
