package lock

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// A bundle of policies is what conftest push writes: an OCI image manifest with
// one layer a file, whose name is the layer's title. It is vendored whole, with
// its manifest beside the files. So the digest in the lock covers every byte
// without a registry: it is the manifest's, which holds the digest of each file.

// VendorDir is where bundles of policies are vendored, one folder each.
const VendorDir = "policies/vendor"

// ManifestName is the file of a vendored bundle that holds its manifest. It has
// no ending, so that nobody reads it as data.
const ManifestName = "oci-manifest"

// The media types of the layers that conftest writes. Others are refused: what
// they mean would be a guess.
const (
	typePolicy = "application/vnd.cncf.openpolicyagent.policy.layer.v1+rego"
	typeData   = "application/vnd.cncf.openpolicyagent.data.layer.v1+json"
)

// Limits of a bundle: files, and bytes of one.
const (
	maxBundleFiles = 1000
	maxBundleFile  = 8 << 20
)

// Bundle is a set of policies that a fleet takes from a registry.
type Bundle struct {
	Name string // of its folder
	Ref  string // oci://host/path[:tag][@digest]
	At   diag.Position
}

// key is the bundle's name in the lock, without a digest.
func (b *Bundle) key() string {
	s, _, _ := strings.Cut(b.Ref, "@")
	return s
}

// pinned is the digest of the reference, "" without one.
func (b *Bundle) pinned() digest.Digest {
	_, d, _ := strings.Cut(b.Ref, "@")
	return digest.Digest(d)
}

func (b *Bundle) dir() string { return path.Join(VendorDir, b.Name) }

// contents are the layers of a bundle, by the name of the file.
type contents map[string]oci.Descriptor

// parseBundle reads the manifest of a bundle; the error says in a clause why it
// is none.
func parseBundle(manifest []byte) (contents, error) {
	var m struct {
		MediaType string           `json:"mediaType"`
		Layers    []oci.Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	if m.MediaType != "" && m.MediaType != oci.MediaTypeManifest {
		return nil, fmt.Errorf("it is a %s, and no OCI image manifest", m.MediaType)
	}
	if len(m.Layers) == 0 || len(m.Layers) > maxBundleFiles {
		return nil, fmt.Errorf("it has %d files, want 1 to %d", len(m.Layers), maxBundleFiles)
	}
	out, folded := contents{}, map[string]string{}
	for _, l := range m.Layers {
		name := l.Annotations["org.opencontainers.image.title"]
		if err := fits(name, l); err != nil {
			return nil, err
		}
		if other, taken := folded[strings.ToLower(name)]; taken {
			return nil, fmt.Errorf("it has two files %q and %q", other, name)
		}
		folded[strings.ToLower(name)] = name
		out[name] = l
	}
	return out, nil
}

// fits says why a layer is no file of a bundle.
func fits(name string, l oci.Descriptor) error {
	want, ok := map[string][]string{typePolicy: {".rego"}, typeData: {".json", ".yaml", ".yml"}}[l.MediaType]
	_, bad := digest.Parse(string(l.Digest))
	switch {
	case !ok:
		return fmt.Errorf("it has a layer of the type %q, and conftest push writes none such", l.MediaType)
	case name == "" || !path.IsAbs("/"+name) || path.Clean("/" + name)[1:] != name || strings.ContainsAny(name, "\\\x00:"):
		return fmt.Errorf("it has a file of the name %q, which is no clean relative path", name)
	case !slices.Contains(want, path.Ext(name)):
		return fmt.Errorf("its file %q does not end in %s", name, strings.Join(want, ", "))
	case l.Size < 0 || l.Size > maxBundleFile:
		return fmt.Errorf("its file %q has %d bytes, of %d at most", name, l.Size, maxBundleFile)
	case bad != nil:
		return fmt.Errorf("its file %q has no digest: %w", name, bad)
	}
	return nil
}

// Vendored holds the bundles of a fleet to its lock, nil where there is none.
// It asks no registry: the files are held to the manifest that is vendored with
// them, and the manifest to the digest in the lock. A folder of a bundle that
// nobody declares is reported too, because its policies are judged.
func Vendored(t *tree.Tree, bundles []Bundle, l *ir.Lock) (diag.List, error) {
	var ds diag.List
	declared := map[string]bool{}
	for i := range bundles {
		b := &bundles[i]
		declared[b.Name] = true
		var have ir.LockEntry
		if l != nil {
			have = l.Other[b.key()]
		}
		more, err := b.vendored(t, have)
		if ds.Add(more...); err != nil {
			return nil, err
		}
	}
	for _, name := range strayBundles(t, declared) {
		file := path.Join(VendorDir, name, ManifestName)
		ds.Add(diag.Errorf("LCK013", "%s holds a bundle that darkstart.cue does not name", path.Dir(file)).
			At(diag.Position{File: file}, "its policies are judged all the same").
			Fix("drop it: darkstart lock --prune").Fix("or name it under policies: bundles: %s", name))
	}
	return ds.Sorted(), nil
}

// strayBundles are the folders of bundles that are not declared, sorted.
func strayBundles(t *tree.Tree, declared map[string]bool) []string {
	var out []string
	for _, dir := range t.Dirs(VendorDir) {
		name := path.Base(dir)
		if _, ok := t.Lookup(path.Join(VendorDir, name, ManifestName)); ok && !declared[name] {
			out = append(out, name)
		}
	}
	return out
}

func (b *Bundle) vendored(t *tree.Tree, have ir.LockEntry) (diag.List, error) {
	if have.Digest == "" {
		return diag.List{diag.Errorf("LCK012", "the policies of %s are not in the lock", b.key()).At(b.At, "").Fix("run darkstart lock")}, nil
	}
	if p := b.pinned(); p != "" && p != have.Digest {
		return diag.List{b.differs(have)}, nil
	}
	manifest, err := t.ReadFile(path.Join(b.dir(), ManifestName))
	if _, there := t.Lookup(path.Join(b.dir(), ManifestName)); !there {
		return diag.List{diag.Errorf("LCK012", "the policies of %s are not in %s", b.key(), b.dir()).At(b.At, "").
			At(have.At, "locked as %s", have.Digest.Short()).Fix("run darkstart lock, and commit the folder")}, nil
	}
	if err != nil {
		return nil, err
	}
	if got := digest.Of(manifest); got != have.Digest {
		return diag.List{b.drift(ManifestName, "is %s, and the lock has %s", got.Short(), have.Digest.Short()).At(have.At, "locked here")}, nil
	}
	files, err := parseBundle(manifest)
	if err != nil {
		return diag.List{b.refused(err)}, nil
	}
	return b.compare(t, files)
}

// compare holds the files of the folder to the manifest.
func (b *Bundle) compare(t *tree.Tree, files contents) (diag.List, error) {
	var ds diag.List
	seen := map[string]bool{ManifestName: true}
	for _, e := range t.Files(b.dir()) {
		name := strings.TrimPrefix(e.Path, b.dir()+"/")
		l, ok := files[name]
		if name == ManifestName {
			continue
		}
		seen[name] = true
		if !ok {
			ds.Add(b.drift(name, "is no file of the bundle"))
			continue
		}
		text, err := t.ReadFile(e.Path)
		if err != nil {
			return nil, err
		}
		if digest.Of(text) != l.Digest {
			ds.Add(b.drift(name, "was changed: it is not what %s has", b.key()))
		}
	}
	for name := range files { // sorted below
		if !seen[name] {
			ds.Add(b.drift(name, "is missing"))
		}
	}
	return ds.Sorted(), nil
}

func (b *Bundle) drift(name, format string, args ...any) *diag.Diagnostic {
	file := path.Join(b.dir(), name)
	return diag.Errorf("LCK013", "%s "+format, append([]any{file}, args...)...).At(diag.Position{File: file}, "").
		At(b.At, "taken from here").
		Fix("put it back: darkstart lock").
		Fix("a change of one's own belongs into a policy beside %s, or into the bundle", VendorDir)
}

func (b *Bundle) differs(have ir.LockEntry) *diag.Diagnostic {
	return diag.Errorf("LCK010", "%s is pinned to %s, and the lock has %s", b.key(), b.pinned().Short(), have.Digest.Short()).
		At(b.At, "pinned to %s", b.pinned().Short()).At(have.At, "locked as %s", have.Digest.Short()).
		Fix("if the digest here is meant: darkstart lock --update %s", b.key())
}

func (b *Bundle) refused(why error) *diag.Diagnostic {
	return diag.Errorf("LCK014", "%s is no bundle of policies: %v", b.key(), why).At(b.At, "").
		Note("a bundle is an OCI image manifest with one layer a file, as conftest push writes it").
		Fix("push it again: conftest push %s", strings.TrimPrefix(b.key(), "oci://"))
}
