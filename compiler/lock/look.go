package lock

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Use is one reference that the fleet's objects have, with every place.
type Use struct {
	Ref string // as written, with the digest where there is one
	At  []diag.Position
}

// Registry is what LookUp asks. A repository is "host/path". An error may have
// a method Help, which says what to do about it.
type Registry interface {
	// Resolve returns the digest of a tag or digest.
	Resolve(ctx context.Context, repository, reference string) (digest.Digest, error)
	// Evidence says what there is about a digest: "cosign" or "none", and "slsa"
	// or "none".
	Evidence(ctx context.Context, repository string, d digest.Digest) (signed, provenance string, err error)
}

// LookConfig of LookUp.
type LookConfig struct {
	Registry Registry
	// Update looks these references up again and lets what is found take the
	// place of the entry; UpdateAll does so with all. Otherwise an entry stays
	// as it is, and a tag that moved is a warning.
	Update    []string
	UpdateAll bool
	// Prune drops the images that no object uses.
	Prune bool
	// Parallel bounds the images that are looked up at once; 0 means 8.
	Parallel int
}

func (c *LookConfig) updates(name string) bool {
	return c.UpdateAll || slices.Contains(c.Update, name)
}

// wanted is one name of an image: what the objects say about it.
type wanted struct {
	name   string        // a key of the lock
	digest digest.Digest // "" where no object pins it
	at     []diag.Position
}

// LookUp asks registries for the digests of a fleet's images and returns the
// new lock, the changes in order, and diagnostics. A nil old lock is empty; no
// argument is changed. With an error among the diagnostics the lock is nil:
// half a lock would look like a whole one. The error is the context's.
//
// An image that its object pins is looked up by that digest, and not at all
// when the lock knows all about it already.
func LookUp(ctx context.Context, uses []Use, old *File, c *LookConfig) (*ir.Lock, []Change, diag.List, error) {
	if old == nil {
		old = newFile()
	}
	images, ds := group(uses)
	ds.Add(c.strangers(images)...)
	if ds.HasErrors() {
		return nil, nil, ds.Sorted(), nil
	}
	answers := make([]answer, len(images))
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(max(c.Parallel, 0), 8))
	for i, w := range images {
		g.Go(func() error {
			l := &look{c: c, old: old, w: w}
			answers[i] = l.image(within)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, nil, err
	}
	for _, a := range answers {
		ds.Add(a.diags...)
	}
	if ds.HasErrors() {
		return nil, nil, ds.Sorted(), nil
	}
	out, changes := apply(old, images, answers, c.Prune)
	return out, changes, ds.Sorted(), nil
}

// apply makes the new lock: old entries, what was found, without what is not
// used where that is asked for.
func apply(old *File, images []wanted, answers []answer, prune bool) (*ir.Lock, []Change) {
	out := &ir.Lock{Version: Version}
	used := map[string]bool{}
	for _, w := range images {
		used[w.name] = true
	}
	var changes []Change
	for _, k := range kinds {
		have := Entries(old.Lock, k)
		for _, ref := range slices.Sorted(maps.Keys(have)) {
			if k == Images && prune && !used[ref] {
				changes = append(changes, Change{Kind: k, Ref: ref, Before: have[ref].Digest})
				continue
			}
			set(out, k, ref, have[ref])
		}
	}
	for i, w := range images {
		have := Entries(old.Lock, Images)[w.name]
		e := answers[i].entry
		if e.At = have.At; e == have {
			continue
		}
		set(out, Images, w.name, e)
		changes = append(changes, Change{
			Kind: Images, Ref: w.name, Before: have.Digest, After: e.Digest, Signed: e.Signed, Provenance: e.Provenance,
		})
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return strings.Compare(a.Ref, b.Ref) })
	return out, changes
}

// group joins the uses of one name. Two digests of one name are an error: the
// lock has one line for it.
func group(uses []Use) ([]wanted, diag.List) {
	all := map[string]*wanted{}
	var ds diag.List
	uses = slices.Clone(uses)
	slices.SortStableFunc(uses, func(a, b Use) int { return strings.Compare(a.Ref, b.Ref) })
	for _, u := range uses {
		name, d, pinned := strings.Cut(u.Ref, "@")
		here := first(u.At)
		if !pinned {
			d = string(digest.Of(nil)) // none to be checked
		}
		if x := check(Images, name, digest.Digest(d), here, here); x != nil {
			ds.Add(x)
			continue
		}
		w := all[name]
		if w == nil {
			w = &wanted{name: name}
			all[name] = w
		}
		if pinned && w.digest != "" && w.digest != digest.Digest(d) {
			ds.Add(conflict(name, w.digest, digest.Digest(d), here, first(w.at)))
			continue
		}
		if pinned && w.digest == "" {
			w.at = slices.Concat(u.At, w.at) // the place of the digest comes first
		} else {
			w.at = slices.Concat(w.at, u.At)
		}
		if pinned {
			w.digest = digest.Digest(d)
		}
	}
	var out []wanted
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, *all[name])
	}
	return out, ds
}

func first(ps []diag.Position) diag.Position {
	if len(ps) == 0 {
		return diag.Position{}
	}
	return ps[0]
}

// strangers reports references to update that no object uses: updating nothing
// is no success.
func (c *LookConfig) strangers(images []wanted) diag.List {
	var names []string
	for _, w := range images {
		names = append(names, w.name)
	}
	var ds diag.List
	for _, ref := range c.Update {
		if slices.Contains(names, ref) {
			continue
		}
		d := diag.Errorf("LCK011", "no object of the fleet uses the image %q", ref).At(diag.Position{File: Name}, "")
		if near := diag.Nearest(ref, names); near != "" {
			d.Fix("did you mean %q?", near)
		}
		ds.Add(d.Fix("name an image as the lock does: [registry/]repository[:tag], without a digest"))
	}
	return ds
}

// answer is what became of one image.
type answer struct {
	entry ir.LockEntry
	diags diag.List
}

// look is one image being looked up.
type look struct {
	c   *LookConfig
	old *File
	w   wanted
}

func (l *look) image(ctx context.Context) answer {
	have := Entries(l.old.Lock, Images)[l.w.name]
	update := l.c.updates(l.w.name) || have.Digest == ""
	known := settled(have)
	pinned := l.w.digest != ""
	if pinned && have.Digest != "" && have.Digest != l.w.digest && !update {
		return answer{diags: diag.List{l.differs(have)}}
	}
	if pinned && known && !update {
		return answer{entry: have}
	}
	ref := ir.ParseReference(l.w.name)
	found, err := l.c.Registry.Resolve(ctx, ref.Repository, l.asked(ref))
	if err != nil {
		return l.failed(err)
	}
	if pinned && found != l.w.digest {
		return l.failed(errors.New("the registry answers for " + string(l.w.digest) + " with " + string(found)))
	}
	out := answer{entry: ir.LockEntry{Digest: found}}
	if found != have.Digest && !update {
		out.diags.Add(l.moved(have, found))
		out.entry = have
	} else if known && found == have.Digest && !update {
		out.entry = have
	}
	if settled(out.entry) {
		return out
	}
	out.entry.Signed, out.entry.Provenance, err = l.c.Registry.Evidence(ctx, ref.Repository, out.entry.Digest)
	if err != nil {
		return l.failed(err)
	}
	return out
}

// settled reports whether nothing is left to be asked about a digest. Where
// neither was found there is: it may have been signed since, as SC006 asks.
func settled(e ir.LockEntry) bool {
	return e.Signed != "" && e.Provenance != "" && (e.Signed != "none" || e.Provenance != "none")
}

// asked is what a registry is asked for: the digest, else the tag, else the
// tag that stands for none.
func (l *look) asked(ref ir.Reference) string {
	switch {
	case l.w.digest != "":
		return string(l.w.digest)
	case ref.Tag != "":
		return ref.Tag
	}
	return "latest"
}

func (l *look) failed(err error) answer {
	d := diag.Errorf("LCK007", "%s cannot be looked up: %v", l.w.name, err)
	places(d, l.w.at, "used here")
	var h interface{ Help() string }
	if errors.As(err, &h) && h.Help() != "" {
		d.Fix("%s", h.Help())
	} else {
		d.Fix("look it up where it can be, and bring it with darkstart lock --import FILE")
	}
	return answer{diags: diag.List{d}}
}

func (l *look) moved(have ir.LockEntry, found digest.Digest) *diag.Diagnostic {
	d := diag.Warningf("LCK008", "the tag of %s moved: the registry has %s, the lock %s", l.w.name, found.Short(), have.Digest.Short()).
		At(l.old.At(Images, l.w.name), "%s stays locked", have.Digest.Short())
	return places(d, l.w.at, "used here").
		Note("the registry has %s", found).
		Fix("if the new content is meant, take it: darkstart lock --update %s, and review what changed", l.w.name)
}

func (l *look) differs(have ir.LockEntry) *diag.Diagnostic {
	return differs(l.w, have).Fix("if the digest of the object is meant: darkstart lock --update %s", l.w.name).
		Fix("else write %s@%s", l.w.name, have.Digest)
}

func differs(w wanted, have ir.LockEntry) *diag.Diagnostic {
	d := diag.Errorf("LCK010", "%s is pinned to %s, and the lock has %s", w.name, w.digest.Short(), have.Digest.Short())
	return places(d, w.at, "pinned to "+w.digest.Short()).At(have.At, "locked as %s", have.Digest.Short())
}

// places adds the first places where an image is used: a base image of a large
// fleet is in hundreds.
func places(d *diag.Diagnostic, ps []diag.Position, text string) *diag.Diagnostic {
	const most = 3
	for _, p := range ps[:min(most, len(ps))] {
		d.At(p, "%s", text)
	}
	if n := len(ps) - most; n > 0 {
		d.Note("and in %d more places", n)
	}
	if len(d.Labels) == 0 {
		d.At(diag.Position{File: Name}, "")
	}
	return d
}
