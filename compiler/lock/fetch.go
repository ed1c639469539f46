package lock

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Library is what Fetch asks for bundles of policies. What it returns has the
// digest that was asked for.
type Library interface {
	Resolve(ctx context.Context, repository, reference string) (digest.Digest, error)
	Manifest(ctx context.Context, repository string, d digest.Digest) ([]byte, error)
	Blob(ctx context.Context, repository string, d oci.Descriptor) ([]byte, error)
}

// FetchConfig of Fetch.
type FetchConfig struct {
	Library Library
	// Update, UpdateAll and Prune are as of LookConfig.
	Update    []string
	UpdateAll bool
	Prune     bool
}

// Fetched is what Fetch found: the new lock, its changes, and the folders that
// have to be written. A folder is replaced whole, and removed when it has no
// files.
type Fetched struct {
	Lock    *ir.Lock
	Changes []Change
	Folders map[string][]ir.File // path of the folder to files within it
}

// Fetch takes the bundles of a fleet from their registries, as LookUp does with
// images: what is locked and vendored whole stays, a tag that moved is reported.
// It writes nothing. With an error among the diagnostics the result is nil.
func Fetch(ctx context.Context, t *tree.Tree, bundles []Bundle, l *ir.Lock, c *FetchConfig) (*Fetched, diag.List, error) {
	f := &fetch{c: c, t: t, out: &Fetched{Lock: copyLock(l), Folders: map[string][]ir.File{}}}
	var ds diag.List
	declared := map[string]bool{}
	keys := []string{}
	for i := range bundles {
		b := &bundles[i]
		declared[b.Name] = true
		keys = append(keys, b.key())
		more, err := f.bundle(ctx, b)
		if ds.Add(more...); err != nil {
			return nil, nil, err
		}
	}
	for _, ref := range c.Update {
		if !slices.Contains(keys, ref) {
			d := diag.Errorf("LCK011", "the fleet takes no policies from %q", ref).At(diag.Position{File: Name}, "")
			if near := diag.Nearest(ref, keys); near != "" {
				d.Fix("did you mean %q?", near)
			}
			ds.Add(d.Fix("name a bundle as darkstart.cue does, without a digest"))
		}
	}
	if c.Prune {
		if err := f.prune(declared, keys); err != nil {
			return nil, nil, err
		}
	}
	if ds.HasErrors() {
		return nil, ds.Sorted(), nil
	}
	return f.out, ds.Sorted(), nil
}

func copyLock(l *ir.Lock) *ir.Lock {
	if l == nil {
		return New()
	}
	out := *l
	out.Other = maps.Clone(l.Other)
	return &out
}

type fetch struct {
	c   *FetchConfig
	t   *tree.Tree
	out *Fetched
}

// bundle looks one bundle up, and fetches it where the folder is not what the
// lock will say.
func (f *fetch) bundle(ctx context.Context, b *Bundle) (diag.List, error) {
	have := f.out.Lock.Other[b.key()]
	update := f.c.UpdateAll || slices.Contains(f.c.Update, b.key())
	if p := b.pinned(); p != "" && have.Digest != "" && have.Digest != p && !update {
		return diag.List{b.differs(have)}, nil
	}
	if have.Digest != "" && have.Digest == b.pinned() {
		if off, err := b.vendored(f.t, have); err != nil || len(off) == 0 {
			return nil, err
		}
	}
	ref := ir.ParseReference(strings.TrimPrefix(b.Ref, "oci://"))
	found, err := f.c.Library.Resolve(ctx, ref.Repository, asked(ref))
	if err != nil {
		return b.failed(ctx, err)
	}
	var ds diag.List
	d := found
	if have.Digest != "" && have.Digest != found && !update {
		ds.Add(b.moved(have, found))
		d = have.Digest
	}
	if have.Digest != d {
		set(f.out.Lock, Other, b.key(), ir.LockEntry{Digest: d})
		f.out.Changes = append(f.out.Changes, Change{Kind: Other, Ref: b.key(), Before: have.Digest, After: d})
	}
	whole, err := b.vendored(f.t, ir.LockEntry{Digest: d})
	if err != nil || len(whole) == 0 {
		return ds, err
	}
	files, more, err := f.files(ctx, b, ref.Repository, d)
	if ds.Add(more...); files != nil {
		f.out.Folders[b.dir()] = files
	}
	return ds, err
}

// asked is what a registry is asked for: the digest, else the tag, else the
// tag that stands for none.
func asked(ref ir.Reference) string {
	switch {
	case ref.Digest != "":
		return ref.Digest
	case ref.Tag != "":
		return ref.Tag
	}
	return "latest"
}

// files reads a bundle: its manifest, and a file for each layer.
func (f *fetch) files(ctx context.Context, b *Bundle, repository string, d digest.Digest) ([]ir.File, diag.List, error) {
	manifest, err := f.c.Library.Manifest(ctx, repository, d)
	if err != nil {
		ds, err := b.failed(ctx, err)
		return nil, ds, err
	}
	layers, err := parseBundle(manifest)
	if err != nil {
		return nil, diag.List{b.refused(err)}, nil
	}
	out := []ir.File{{Path: ManifestName, Data: manifest}}
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		text, err := f.c.Library.Blob(ctx, repository, layers[name])
		if err != nil {
			ds, err := b.failed(ctx, err)
			return nil, ds, err
		}
		out = append(out, ir.File{Path: name, Data: text})
	}
	return out, nil, nil
}

// prune drops the folders of bundles that are not declared, and the entries of
// the lock that were theirs.
func (f *fetch) prune(declared map[string]bool, keys []string) error {
	for _, name := range strayBundles(f.t, declared) {
		dir := path.Join(VendorDir, name)
		manifest, err := f.t.ReadFile(path.Join(dir, ManifestName))
		if err != nil {
			return err
		}
		f.out.Folders[dir] = nil
		for _, key := range slices.Sorted(maps.Keys(f.out.Lock.Other)) {
			if e := f.out.Lock.Other[key]; e.Digest == digest.Of(manifest) && !slices.Contains(keys, key) {
				delete(f.out.Lock.Other, key)
				f.out.Changes = append(f.out.Changes, Change{Kind: Other, Ref: key, Before: e.Digest})
			}
		}
	}
	return nil
}

func (b *Bundle) failed(ctx context.Context, err error) (diag.List, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	d := diag.Errorf("LCK007", "%s cannot be looked up: %v", b.key(), err).At(b.At, "")
	var h interface{ Help() string }
	if errors.As(err, &h) && h.Help() != "" {
		d.Fix("%s", h.Help())
	} else {
		d.Fix("run it where the registry can be reached, and commit %s", b.dir())
	}
	return diag.List{d}, nil
}

func (b *Bundle) moved(have ir.LockEntry, found digest.Digest) *diag.Diagnostic {
	return diag.Warningf("LCK008", "the tag of %s moved: the registry has %s, the lock %s", b.key(), found.Short(), have.Digest.Short()).
		At(b.At, "%s stays locked", have.Digest.Short()).
		Note("the registry has %s", found).
		Fix("if the new policies are meant, take them: darkstart lock --update %s, and review what changed", b.key())
}
