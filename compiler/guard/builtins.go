package guard

import (
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

//go:embed builtins.txt
var builtinList string

// builtinNames reads builtins.txt: what is allowed, and why the rest is not.
func builtinNames() (allowed map[string]bool, refused map[string]string) {
	allowed, refused = map[string]bool{}, map[string]string{}
	for line := range strings.Lines(builtinList) {
		switch rest := strings.TrimSpace(line[min(1, len(line)):]); line[0] {
		case '+':
			for _, name := range strings.Fields(rest) {
				allowed[name] = true
			}
		case '-':
			why, names, _ := strings.Cut(rest, ":")
			for _, name := range strings.Fields(names) {
				refused[name] = why
			}
		}
	}
	return allowed, refused
}

// capabilities is what policies may use of the OPA library: the allowed
// builtins, and no host for anything.
func capabilities() *ast.Capabilities {
	allowed, _ := builtinNames()
	c := ast.CapabilitiesForThisVersion()
	kept := c.Builtins[:0:0]
	for _, b := range c.Builtins {
		if allowed[b.Name] {
			kept = append(kept, b)
		}
	}
	c.Builtins, c.AllowNet = kept, []string{}
	return c
}

// Capabilities is the allow-list as OPA's own tools read it:
//
//	opa check --strict --capabilities FILE policies/
func Capabilities() ([]byte, error) {
	return json.MarshalIndent(capabilities(), "", "  ")
}
