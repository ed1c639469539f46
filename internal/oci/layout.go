package oci

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

const (
	layoutFile    = "oci-layout"
	indexFile     = "index.json"
	blobDir       = "blobs/sha256"
	layoutContent = `{"imageLayoutVersion":"1.0.0"}`
)

// Layout is an OCI image layout: a folder, or a tar archive of one, which is
// only read. Its methods may be used from several goroutines and processes; of
// writers one waits for the other.
type Layout struct {
	dir string // or the name of the archive
	tar map[string]span
}

// OpenLayout opens an existing layout. The error wraps ErrNotFound when dir
// holds none.
func OpenLayout(dir string) (*Layout, error) {
	return (&Layout{dir: dir}).open()
}

// open reads the file that says that there is a layout, and of which version.
func (l *Layout) open() (*Layout, error) {
	b, err := l.read(layoutFile, 1<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not an OCI image layout (it has no %s): %w", l.dir, layoutFile, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	var v struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(b, &v); err != nil || v.Version != "1.0.0" {
		return nil, fmt.Errorf("%s: unknown version of the OCI image layout: %q", l.dir, v.Version)
	}
	return l, nil
}

// WriteLayout makes dir a layout that holds exactly these artifacts. Equal
// artifacts give equal files. What dir held before stays readable until the
// moment index.json is replaced; blobs that nothing names any more are then
// removed.
func WriteLayout(ctx context.Context, dir string, artifacts []Artifact) (*Layout, error) {
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return nil, err
	}
	l := &Layout{dir: dir}
	defer l.lock()()
	var list []Descriptor
	var blobs []Blob
	for _, a := range artifacts {
		d, err := a.describe()
		if err != nil {
			return nil, err
		}
		list, blobs = append(list, d), append(blobs, a.blobs()...)
	}
	if err := l.storeAll(ctx, blobs); err != nil {
		return nil, err
	}
	if err := l.replace(filepath.Join(dir, layoutFile), []byte(layoutContent)); err != nil {
		return nil, err
	}
	if err := l.commit(list); err != nil {
		return nil, err
	}
	return l, l.prune(ctx)
}

// put stores the blobs of an artifact and describes it for index.json.
func (l *Layout) put(ctx context.Context, a Artifact) (Descriptor, error) {
	d, err := a.describe()
	if err != nil {
		return Descriptor{}, err
	}
	return d, l.storeAll(ctx, a.blobs())
}

// describe returns the artifact as index.json names it.
func (a *Artifact) describe() (Descriptor, error) {
	d, _, err := describe(a.Manifest)
	if err == nil && a.Tag != "" {
		d.Annotations = map[string]string{refName: a.Tag}
	}
	return d, err
}

// blobs are all that a layout stores of the artifact.
func (a *Artifact) blobs() []Blob { return append(slices.Clone(a.Blobs), Bytes(a.Manifest)) }

// storeAll stores blobs, several at a time and each once: what is there is read
// to the end, and what is not there waits for the disk.
func (l *Layout) storeAll(ctx context.Context, blobs []Blob) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	seen := map[digest.Digest]bool{}
	for _, b := range blobs {
		d := b.Digest()
		if seen[d] {
			continue
		}
		seen[d] = true
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return l.store(d, b)
		})
	}
	return g.Wait()
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

// List returns what index.json names, sorted by tag and digest.
func (l *Layout) List() ([]Descriptor, error) {
	b, err := l.read(indexFile, MaxManifest)
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
// wraps ErrNotFound when it names none.
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
	if err := d.bounded(max); err != nil {
		return nil, err
	}
	b, err := l.read(blobDir+"/"+d.Digest.Hex(), d.Size)
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

// prune removes blobs and left-over temporary files that index.json does not
// reach.
func (l *Layout) prune(ctx context.Context) error {
	keep, err := l.reachable(ctx)
	if err != nil {
		return err
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

// reachable returns the hex digests of what index.json names and of what that
// needs in turn. A damaged manifest keeps nothing alive.
func (l *Layout) reachable(ctx context.Context) (map[string]bool, error) {
	list, err := l.List()
	if err != nil {
		return nil, err
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
		if m, err := l.manifest(ctx, d); err == nil {
			list = append(list, m.blobs()...)
		}
	}
	return keep, nil
}

// manifest fetches and reads a manifest or an index.
func (l *Layout) manifest(ctx context.Context, d Descriptor) (*manifest, error) {
	b, err := l.Fetch(ctx, d, MaxManifest)
	if err != nil {
		return nil, err
	}
	return parseManifest(b)
}
