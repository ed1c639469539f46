package oci

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

const (
	layoutFile    = "oci-layout"
	indexFile     = "index.json"
	layoutContent = `{"imageLayoutVersion":"1.0.0"}`
)

// Layout is an OCI image layout on disk. Its methods may be used from several
// goroutines, its writers only from one process at a time.
type Layout struct{ dir string }

// OpenLayout opens an existing layout. The error wraps ErrNotFound when dir
// holds none.
func OpenLayout(dir string) (*Layout, error) {
	b, err := readFile(filepath.Join(dir, layoutFile), 1<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not an OCI image layout (it has no %s): %w", dir, layoutFile, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	var v struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(b, &v); err != nil || v.Version != "1.0.0" {
		return nil, fmt.Errorf("%s: unknown version of the OCI image layout: %q", dir, v.Version)
	}
	return &Layout{dir}, nil
}

// WriteLayout makes dir a layout that holds exactly these artifacts. Equal
// artifacts give equal files. What dir held before stays readable until the
// moment index.json is replaced; blobs that nothing names any more are then
// removed.
func WriteLayout(ctx context.Context, dir string, artifacts []Artifact) (*Layout, error) {
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return nil, err
	}
	l := &Layout{dir}
	var list []Descriptor
	for _, a := range artifacts {
		d, err := l.put(ctx, a)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	if err := l.replace(filepath.Join(dir, layoutFile), []byte(layoutContent)); err != nil {
		return nil, err
	}
	if err := l.commit(list); err != nil {
		return nil, err
	}
	return l, l.prune(ctx)
}

// Attach stores statements about artifacts: manifests with a subject. They
// become visible together; attaching the same bytes again changes nothing.
func (l *Layout) Attach(ctx context.Context, statements ...Artifact) error {
	list, err := l.List()
	if err != nil {
		return err
	}
	about := map[digest.Digest][]Descriptor{}
	for _, a := range statements {
		_, m, err := describe(a.Manifest)
		if err != nil {
			return err
		}
		if m.Subject == nil {
			return errors.New("a manifest without a subject cannot be attached")
		}
		d, err := l.put(ctx, a)
		if err != nil {
			return err
		}
		subject := m.Subject.Digest
		if about[subject] == nil {
			if about[subject], err = l.Referrers(ctx, subject); err != nil {
				return err
			}
		}
		about[subject] = append(about[subject], d)
		list = append(list, d)
	}
	for _, subject := range slices.Sorted(maps.Keys(about)) {
		fallback, err := l.fallback(ctx, subject, about[subject])
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(e Descriptor) bool { return e.Tag() == fallback.Tag() })
		list = append(list, fallback)
	}
	if err := l.commit(list); err != nil {
		return err
	}
	return l.prune(ctx) // the lists of referrers that were replaced
}

// fallback stores the list of referrers and returns its tagged descriptor.
func (l *Layout) fallback(ctx context.Context, subject digest.Digest, refs []Descriptor) (Descriptor, error) {
	refs = slices.Clone(refs)
	for i := range refs {
		refs[i] = untagged(refs[i])
	}
	b, err := encodeIndex(sortDescriptors(refs))
	if err != nil {
		return Descriptor{}, err
	}
	return l.put(ctx, Artifact{Tag: FallbackTag(subject), Manifest: b})
}

// put stores the blobs of an artifact and describes it for index.json.
func (l *Layout) put(ctx context.Context, a Artifact) (Descriptor, error) {
	if err := ctx.Err(); err != nil {
		return Descriptor{}, err
	}
	d, _, err := describe(a.Manifest)
	if err != nil {
		return Descriptor{}, err
	}
	for _, b := range append(slices.Clone(a.Blobs), a.Manifest) {
		if err := l.write(b); err != nil {
			return Descriptor{}, err
		}
	}
	if a.Tag != "" {
		d.Annotations = map[string]string{refName: a.Tag}
	}
	return d, nil
}

func (l *Layout) blob(d digest.Digest) string {
	return filepath.Join(l.dir, "blobs", "sha256", d.Hex())
}

func (l *Layout) write(b []byte) error {
	name := l.blob(digest.Of(b))
	if old, err := readFile(name, int64(len(b))); err == nil && digest.Of(old) == digest.Of(b) {
		return nil // already there and intact
	}
	return l.replace(name, b)
}

// commit replaces index.json: the moment at which a change becomes visible.
func (l *Layout) commit(list []Descriptor) error {
	b, err := encodeIndex(sortDescriptors(list))
	if err != nil {
		return err
	}
	return l.replace(filepath.Join(l.dir, indexFile), b)
}

// sortDescriptors orders by tag, then digest, and drops repeats.
func sortDescriptors(list []Descriptor) []Descriptor {
	compare := func(a, b Descriptor) int {
		return cmp.Or(cmp.Compare(a.Tag(), b.Tag()), cmp.Compare(a.Digest, b.Digest))
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, compare)
	return slices.CompactFunc(out, func(a, b Descriptor) bool { return compare(a, b) == 0 })
}

func untagged(d Descriptor) Descriptor {
	m := map[string]string{}
	for k, v := range d.Annotations {
		if k != refName {
			m[k] = v
		}
	}
	if d.Annotations = m; len(m) == 0 {
		d.Annotations = nil
	}
	return d
}

// List returns what index.json names, sorted by tag and digest.
func (l *Layout) List() ([]Descriptor, error) {
	b, err := readFile(filepath.Join(l.dir, indexFile), MaxManifest)
	if err != nil {
		return nil, err
	}
	var x index
	if err := json.Unmarshal(b, &x); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(l.dir, indexFile), err)
	}
	return sortDescriptors(x.Manifests), nil
}

// Resolve finds a manifest that index.json names, by tag or digest. The error
// lists nothing and wraps ErrNotFound.
func (l *Layout) Resolve(_ context.Context, ref string) (Descriptor, error) {
	list, err := l.List()
	if err != nil {
		return Descriptor{}, err
	}
	for _, d := range list {
		if d.Tag() == ref || string(d.Digest) == ref {
			return d, nil
		}
	}
	return Descriptor{}, fmt.Errorf("%s in %s: %w", ref, l.dir, ErrNotFound)
}

// Fetch implements Source.
func (l *Layout) Fetch(_ context.Context, d Descriptor, max int64) ([]byte, error) {
	if _, err := digest.Parse(string(d.Digest)); err != nil {
		return nil, err
	}
	if d.Size < 0 || d.Size > max {
		return nil, fmt.Errorf("blob %s has %d bytes (at most %d)", d.Digest, d.Size, max)
	}
	b, err := readFile(l.blob(d.Digest), d.Size)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("blob %s in %s: %w", d.Digest, l.dir, ErrNotFound)
	case errors.Is(err, errTooLong):
		return nil, fmt.Errorf("blob %s has more than %d bytes: %w", d.Digest, d.Size, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	return b, check(b, d)
}

// Referrers implements Source. It reads the manifests that index.json names
// and the index under the fallback tag, whichever tool wrote them. What is
// damaged refers to nothing: it cannot vouch for anything, and must not stop
// what can.
func (l *Layout) Referrers(ctx context.Context, subject digest.Digest) ([]Descriptor, error) {
	list, err := l.List()
	if err != nil {
		return nil, err
	}
	var out []Descriptor
	for _, d := range list {
		if d.Tag() == FallbackTag(subject) {
			out = append(out, l.listed(ctx, d)...)
		} else if d, ok := l.refersTo(ctx, d, subject); ok {
			out = append(out, d)
		}
	}
	for i := range out {
		out[i] = untagged(out[i])
	}
	return sortDescriptors(out), nil
}

// listed returns what an index of referrers names.
func (l *Layout) listed(ctx context.Context, d Descriptor) []Descriptor {
	b, err := l.Fetch(ctx, d, MaxManifest)
	if err != nil {
		return nil
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil
	}
	return m.Manifests
}

// refersTo reads the manifest of d.
func (l *Layout) refersTo(ctx context.Context, d Descriptor, subject digest.Digest) (Descriptor, bool) {
	b, err := l.Fetch(ctx, d, MaxManifest)
	if err != nil {
		return d, false
	}
	full, m, err := describe(b)
	return full, err == nil && m.Subject != nil && m.Subject.Digest == subject
}

// prune removes blobs and left-over temporary files that index.json does not
// reach.
func (l *Layout) prune(ctx context.Context) error {
	list, err := l.List()
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for len(list) > 0 {
		d := list[0]
		list = list[1:]
		if keep[d.Digest.Hex()] {
			continue
		}
		keep[d.Digest.Hex()] = true
		if d.MediaType != MediaTypeManifest && d.MediaType != MediaTypeIndex {
			continue
		}
		b, err := l.Fetch(ctx, d, MaxManifest)
		if err != nil {
			continue // a damaged manifest keeps nothing alive
		}
		if m, err := parseManifest(b); err == nil {
			list = append(list, m.blobs()...)
		}
	}
	dir := filepath.Join(l.dir, "blobs", "sha256")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace writes a file in one step and makes sure that its bytes are on the
// disk before its name is. The temporary file lies among the blobs, where prune
// finds what a killed process left.
func (l *Layout) replace(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Join(l.dir, "blobs", "sha256"), ".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, as it should
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

var errTooLong = errors.New("too long")

// readFile reads a regular file of at most max bytes. One byte more is an
// error, so that a name cannot lead to endless input.
func readFile(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = fmt.Errorf("%s has more than %d bytes: %w", name, max, errTooLong)
	}
	return b, err
}
