package validate

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
)

// maxArchive bounds what one archive may unpack to: forty times today's.
const maxArchive = 16 << 20

// GroupKind names a kind across its versions.
type GroupKind struct{ Group, Kind string }

// String returns "Kind.group", or "Kind" in the core group.
func (k GroupKind) String() string {
	if k.Group == "" {
		return k.Kind
	}
	return k.Kind + "." + k.Group
}

// served is one kind that a release serves, as the archive's index has it.
type served struct {
	Group      string `json:"group"`
	Version    string `json:"version"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
	Definition string `json:"definition"`
}

func (s served) id() gvk { return gvk{s.Group, s.Version, s.Kind} }

// gvk is a kind in one version.
type gvk struct{ group, version, kind string }

func (g gvk) apiVersion() string {
	if g.group == "" {
		return g.version
	}
	return g.group + "/" + g.version
}

func (g gvk) String() string { return g.apiVersion() + " " + g.kind }

// release is the schemas of one Kubernetes minor release. Definitions are
// decoded when the first object needs them.
type release struct {
	minor  string // "1.33"
	source string // "v1.33.13"
	kinds  map[gvk]served
	groups map[string]bool
	lines  map[string][]byte // definition name to JSON

	mu         sync.Mutex
	structural map[string]*schema.Structural
	checkers   map[gvk]*checker
}

// openRelease decodes the index of an archive and splits its definitions.
func openRelease(fsys fs.FS, minor string) (*release, error) {
	text, err := unpack(fsys, "v"+minor+".gz")
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	var index struct {
		Kubernetes  string   `json:"kubernetes"`
		Kinds       []served `json:"kinds"`
		Definitions []string `json:"definitions"`
	}
	if err := json.Unmarshal(lines[0], &index); err != nil {
		return nil, fmt.Errorf("schemas of Kubernetes %s: index: %w", minor, err)
	}
	if len(index.Definitions) != len(lines)-1 {
		return nil, fmt.Errorf("schemas of Kubernetes %s: index names %d definitions, archive has %d", minor, len(index.Definitions), len(lines)-1)
	}
	r := &release{
		minor: minor, source: index.Kubernetes,
		kinds: map[gvk]served{}, groups: map[string]bool{}, lines: map[string][]byte{},
		structural: map[string]*schema.Structural{}, checkers: map[gvk]*checker{},
	}
	for _, k := range index.Kinds {
		r.kinds[k.id()], r.groups[k.Group] = k, true
	}
	for i, name := range index.Definitions {
		r.lines[name] = lines[i+1]
	}
	return r, nil
}

func unpack(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	text, err := io.ReadAll(io.LimitReader(z, maxArchive+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(text) > maxArchive:
		return nil, fmt.Errorf("%s: unpacks to more than %d bytes", name, maxArchive)
	}
	return text, nil
}

// versions lists the versions of a kind that the release serves, best first.
func (r *release) versions(kind GroupKind) []string {
	var out []string
	for id := range r.kinds {
		if id.group == kind.Group && id.kind == kind.Kind {
			out = append(out, id.version)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return -compareAPIVersions(a, b) })
	return out
}

// names lists the kinds of one group and version, sorted.
func (r *release) names(group, version string) []string {
	var out []string
	for id := range r.kinds {
		if id.group == group && (version == "" || id.version == version) {
			out = append(out, id.kind)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// compareAPIVersions orders v1beta1 < v1 < v2alpha1 < v2, stable versions of
// any number above all others, as Kubernetes itself prefers them.
func compareAPIVersions(a, b string) int {
	ra, na, sa := splitAPIVersion(a)
	rb, nb, sb := splitAPIVersion(b)
	return cmp.Or(cmp.Compare(ra, rb), cmp.Compare(na, nb), cmp.Compare(sa, sb), strings.Compare(a, b))
}

// splitAPIVersion returns the rank (2 stable, 1 beta, 0 alpha), the major
// number and the number behind the stage.
func splitAPIVersion(v string) (rank, major, stage int) {
	rest := strings.TrimPrefix(v, "v")
	for i, word := range []string{"alpha", "beta"} {
		if before, after, ok := strings.Cut(rest, word); ok {
			major, _ = strconv.Atoi(before)
			stage, _ = strconv.Atoi(after)
			return i, major, stage
		}
	}
	major, _ = strconv.Atoi(rest)
	return 2, major, 0
}
