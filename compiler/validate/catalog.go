package validate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Catalog holds decoded schemas, so that a process decodes each release, each
// kind and each CustomResourceDefinition once however many clusters use it. It
// is safe for concurrent use.
type Catalog struct {
	// Cache keeps which definitions have nothing wrong with them; nil keeps
	// nothing. It is set before the first use.
	Cache *cache.Store

	fsys fs.FS

	mu        sync.Mutex
	releases  map[string]*release
	lifecycle map[gvk]lifecycle
	crds      map[digest.Digest]*crdSlot

	definitions sync.Map // definitionID to *definitionRead
}

// NewCatalog returns an empty catalog over the archives in fsys, which has
// v1.33.gz and its siblings and lifecycle.json at its root. Nothing is read
// before it is needed.
func NewCatalog(fsys fs.FS) *Catalog {
	return &Catalog{fsys: fsys, releases: map[string]*release{}, crds: map[digest.Digest]*crdSlot{}}
}

// Releases lists the Kubernetes minor releases with schemas ("1.33"),
// ascending.
func (c *Catalog) Releases() ([]string, error) {
	names, err := fs.Glob(c.fsys, "v*.gz")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		minor := strings.TrimSuffix(strings.TrimPrefix(name, "v"), ".gz")
		if _, ok := parseRelease(minor); ok {
			out = append(out, minor)
		}
	}
	slices.SortFunc(out, compareReleases)
	return out, nil
}

// Scopes tells for each kind that the release serves whether it lives in a
// namespace. Kubernetes is a version such as "1.36" or "v1.36.2". The error is
// fs.ErrNotExist when the release has no schemas.
func (c *Catalog) Scopes(kubernetes string) (map[GroupKind]bool, error) {
	v, ok := parseRelease(kubernetes)
	if !ok {
		return nil, fmt.Errorf("%q is not a Kubernetes version", kubernetes)
	}
	r, err := c.release(v.String())
	if err != nil {
		return nil, err
	}
	out := make(map[GroupKind]bool, len(r.kinds))
	for id, k := range r.kinds {
		out[GroupKind{id.group, id.kind}] = k.Namespaced
	}
	return out, nil
}

// release returns the schemas of a minor release.
func (c *Catalog) release(minor string) (*release, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.releases[minor]; r != nil {
		return r, nil
	}
	r, err := openRelease(c.fsys, minor)
	if err != nil {
		return nil, err
	}
	c.releases[minor] = r
	return r, nil
}

// lifecycles returns the table of kinds that come and go.
func (c *Catalog) lifecycles() (map[gvk]lifecycle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lifecycle != nil {
		return c.lifecycle, nil
	}
	raw, err := fs.ReadFile(c.fsys, "lifecycle.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []lifecycle
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("lifecycle.json: %w", err)
	}
	c.lifecycle = make(map[gvk]lifecycle, len(list))
	for _, l := range list {
		c.lifecycle[gvk{l.Group, l.Version, l.Kind}] = l
	}
	return c.lifecycle, nil
}

// checker returns what judges a built-in kind. The kind is served.
func (r *release) checker(id gvk) (*checker, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.checkers[id]; c != nil {
		return c, nil
	}
	k := r.kinds[id]
	s, err := r.structuralOf(k.Definition, map[string]bool{})
	if err != nil {
		return nil, err
	}
	c := newBuiltin(s, k.Namespaced)
	r.checkers[id] = c
	return c, nil
}

// version is a minor release as numbers.
type version struct{ major, minor int }

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

// parseRelease reads the minor release from "1.36", "v1.36.2", "1.36+" or
// "1.36.2-eks-1".
func parseRelease(s string) (v version, ok bool) {
	major, rest, ok := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	if !ok {
		return v, false
	}
	minor := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		if !strings.ContainsRune(".+-", rune(rest[i])) {
			return v, false
		}
		minor = rest[:i]
	}
	var e1, e2 error
	v.major, e1 = strconv.Atoi(major)
	v.minor, e2 = strconv.Atoi(minor)
	return v, e1 == nil && e2 == nil && v.major > 0 && v.minor >= 0
}

// compareReleases orders release texts by number; what is no release is first.
func compareReleases(a, b string) int {
	va, _ := parseRelease(a)
	vb, _ := parseRelease(b)
	return (va.major-vb.major)*1000 + va.minor - vb.minor
}
