// Package discovery knows what an API server of each supported release serves
// before anything is installed: the versions, the kinds and their scope.
//
// A chart asks for it through .Capabilities, a namespace override needs the
// scope of a kind. Both must get the answer of the declared release and not of
// the release that some library was built with.
package discovery

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

//go:embed *.txt
var tables embed.FS

// Releases returns the minor releases that are known, oldest first: "1.33" …
func Releases() []string {
	names, _ := fs.Glob(tables, "*.txt") // the pattern is a constant
	for i, n := range names {
		names[i] = strings.TrimSuffix(n, ".txt")
	}
	return names
}

// Minor cuts a version down to major and minor: "v1.36.3" is "1.36".
func Minor(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// APIVersions returns "group/version" and "group/version/Kind" of everything
// that a release serves by default, sorted; ok is false for a release that is
// not known.
func APIVersions(release string) (versions []string, ok bool) {
	b, err := tables.ReadFile(Minor(release) + ".txt")
	if err != nil {
		return nil, false
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		versions = append(versions, f[0], f[0]+"/"+f[1])
	}
	slices.Sort(versions)
	return slices.Compact(versions), true
}

// ClusterScoped reports whether a built-in kind has no namespace in any of the
// known releases. Kinds that are not built in are not known here.
func ClusterScoped(group, kind string) bool { return scopes()[group+"/"+kind] == "cluster" }

// BuiltIn reports whether any known release serves the kind.
func BuiltIn(group, kind string) bool { return scopes()[group+"/"+kind] != "" }

var scopes = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, r := range Releases() {
		b, err := tables.ReadFile(r + ".txt")
		if err != nil {
			continue // Releases lists what is embedded
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			group, _, grouped := strings.Cut(f[0], "/")
			if !grouped {
				group = ""
			}
			out[group+"/"+f[1]] = f[2]
		}
	}
	return out
})
