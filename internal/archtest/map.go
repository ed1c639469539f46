package archtest

import "strings"

// module is the import path that everything here is relative to.
const module = "github.com/darkstart-dev/darkstart"

// packages is the map: each package, or the root of a tree of packages that
// are parts of one. What is not here needs a noun, not a drawer.
func packages() []string {
	return []string{
		"cmd/darkstart",
		"compiler",
		"compiler/diff", "compiler/drift", "compiler/emit", "compiler/evaluate", "compiler/guard", "compiler/ir", "compiler/link",
		"compiler/lock", "compiler/publish", "compiler/release", "compiler/render", "compiler/render/helm",
		"compiler/render/kustomize", "compiler/render/yaml", "compiler/seal", "compiler/shard", "compiler/validate", "compiler/waive",
		"internal/archtest", "internal/bench", "internal/cache", "internal/cli", "internal/diag", "internal/digest", "internal/doctor", "internal/git",
		"internal/graph", "internal/object", "internal/oci", "internal/profile", "internal/progress", "internal/report", "internal/spec", "internal/testkit",
		"internal/tree", "internal/yamlpos",
		"plans", "plans/solver",
		"policies", "schemas", "schemas/kubernetes",
	}
}

// owners names the one package that may import a dependency, by import path
// prefix. Its types then appear in no other package's interface.
func owners() map[string]string {
	return map[string]string{
		"cuelang.org/go":                         "compiler/evaluate",
		"github.com/open-policy-agent/opa":       "compiler/guard",
		"github.com/zricethezav/gitleaks":        "compiler/guard",
		"sigs.k8s.io/kustomize":                  "compiler/render/kustomize",
		"gopkg.in/evanphx/json-patch.v4":         "compiler/render/kustomize",
		"helm.sh/helm":                           "compiler/render/helm",
		"k8s.io":                                 "compiler/validate",
		"github.com/sigstore":                    "compiler/seal",
		"github.com/secure-systems-lab":          "compiler/seal",
		"github.com/in-toto":                     "compiler/seal",
		"github.com/CycloneDX":                   "compiler/seal",
		"github.com/spdx":                        "compiler/seal",
		"github.com/klauspost/compress":          "compiler/seal",
		"github.com/go-git":                      "internal/git",
		"oras.land/oras-go":                      "internal/oci",
		"github.com/opencontainers":              "internal/oci",
		"github.com/spf13/cobra":                 "internal/cli",
		"go.yaml.in/yaml":                        "internal/yamlpos",
		"github.com/fxamacker/cbor":              "internal/cache",
		"github.com/agnivade/levenshtein":        "internal/diag",
		"github.com/rogpeppe/go-internal/diff":   "internal/cli",
		"github.com/google/go-containerregistry": "compiler/render",
	}
}

// fixtures are packages for tests and measurements alone: they may use what they like, and
// production may not use them.
func fixtures() []string {
	return []string{"internal/bench", "internal/testkit", "compiler/guard/fixture", "plans/solver/sketch"}
}

// pipeline lists the stages that only make sense in their order, so that only
// the façade calls them. The other verbs (lock, release, seal, …) also stand
// alone as commands; evaluate prints and vendors the schema without a fleet.
func pipeline() []string {
	return []string{"render", "validate", "link", "guard", "emit"}
}

// shared are dependencies that any package may use: extensions of the
// standard library.
func shared() []string { return []string{"golang.org/x"} }

// place returns the entry of the map that a package belongs to, "" for none.
func place(pkg string) string {
	best := ""
	for _, p := range packages() {
		if within(pkg, p) && len(p) > len(best) {
			best = p
		}
	}
	if best == "compiler" && pkg != "compiler" {
		return "" // the façade is one package; what is below it is a stage of its own
	}
	return best
}

// stage returns the stage that a package is part of: "render" for
// compiler/render/helm, "" for the façade, the nouns and all else.
func stage(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, "compiler/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	if name == "ir" {
		return ""
	}
	return name
}

// within reports whether path is root or below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}
