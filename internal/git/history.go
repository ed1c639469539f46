package git

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Resolve returns the full id of the commit that rev names.
func (r *Repo) Resolve(ctx context.Context, rev string) (string, *diag.Diagnostic, error) {
	if err := ctx.Err(); err != nil {
		return "", nil, err
	}
	c, d := r.resolve(rev)
	if d != nil {
		return "", d, nil
	}
	return c.Hash.String(), nil, nil
}

// MergeBase returns the commit at which a and b parted, "" when their
// histories share nothing. Of several (after a criss-cross merge) it is the
// newest, then the one whose id sorts first.
func (r *Repo) MergeBase(ctx context.Context, a, b string) (string, *diag.Diagnostic, error) {
	ca, d := r.resolve(a)
	if d != nil {
		return "", d, nil
	}
	cb, d := r.resolve(b)
	if d != nil {
		return "", d, nil
	}
	w := &baseWalk{repo: r, ctx: ctx, side: map[plumbing.Hash]int{}}
	return w.find(ca, cb)
}

// ReadAt returns a file as a revision has it, path from the repository's root:
// the release records of the delivery branch, for example. A file that is not
// there is an error that wraps fs.ErrNotExist; other refusals carry a
// diagnostic.
func (r *Repo) ReadAt(ctx context.Context, rev, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, d := r.resolve(rev)
	if d != nil {
		return nil, d.Err()
	}
	gone := &fs.PathError{Op: "read at " + rev, Path: name, Err: fs.ErrNotExist}
	h, parts := c.TreeHash, strings.Split(path.Clean(name), "/")
	for i, part := range parts {
		es, d := r.readTree(h, name)
		if d != nil {
			return nil, d.Err()
		}
		j := slices.IndexFunc(es, func(e object.TreeEntry) bool { return e.Name == part })
		if j < 0 || (i == len(parts)-1) != es[j].Mode.IsFile() {
			return nil, gone
		}
		h = es[j].Hash
	}
	return r.store.blob(tree.Entry{Path: name, ID: tree.ID(h.String()), Size: -1})
}

// Change is one path that differs between two trees.
type Change struct {
	Path   string
	Action string // "added", "removed" or "modified"
	Before tree.Entry
	After  tree.Entry
}

// Changed lists what differs between two trees, sorted by path. Ids are
// compared, so nothing is read. A nil tree is an empty one.
func Changed(before, after *tree.Tree) []Change {
	a, b := entries(before), entries(after)
	var out []Change
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Path < b[0].Path:
			out = append(out, Change{Path: a[0].Path, Action: "removed", Before: a[0]})
			a = a[1:]
		case len(a) == 0 || b[0].Path < a[0].Path:
			out = append(out, Change{Path: b[0].Path, Action: "added", After: b[0]})
			b = b[1:]
		default:
			if a[0].ID != b[0].ID || a[0].Mode != b[0].Mode {
				out = append(out, Change{Path: a[0].Path, Action: "modified", Before: a[0], After: b[0]})
			}
			a, b = a[1:], b[1:]
		}
	}
	return out
}

func entries(t *tree.Tree) []tree.Entry {
	if t == nil {
		return nil
	}
	return t.Entries()
}

// baseWalk paints history from two sides, newest commits first, until every
// painted commit that could still matter has both colours (git's
// paint_down_to_common). go-git's own reads one side to its root.
type baseWalk struct {
	repo  *Repo
	ctx   context.Context
	side  map[plumbing.Hash]int
	queue []*object.Commit // sorted, newest last
}

const (
	left  = 1
	right = 2
	stale = 4
)

func (w *baseWalk) find(a, b *object.Commit) (string, *diag.Diagnostic, error) {
	w.paint(a, left)
	w.paint(b, right)
	var found []*object.Commit
	for w.live() {
		if err := w.ctx.Err(); err != nil {
			return "", nil, err
		}
		c := w.queue[len(w.queue)-1]
		w.queue = w.queue[:len(w.queue)-1]
		colour := w.side[c.Hash]
		if colour == left|right {
			found = append(found, c)
			colour |= stale
		}
		for _, p := range c.ParentHashes {
			if w.side[p]&colour == colour {
				continue
			}
			pc, d := w.repo.commit(p)
			if d != nil && w.repo.Shallow() {
				continue // the end of a shallow clone's history
			}
			if d != nil {
				return "", d, nil
			}
			w.paint(pc, colour)
		}
	}
	for _, c := range found {
		if w.side[c.Hash]&stale == 0 {
			return c.Hash.String(), nil, nil
		}
	}
	if w.repo.Shallow() {
		return "", cutOff("the commit at which the two histories parted"), nil
	}
	return "", nil, nil
}

func (w *baseWalk) paint(c *object.Commit, colour int) {
	w.side[c.Hash] |= colour
	i, _ := slices.BinarySearchFunc(w.queue, c, func(x, y *object.Commit) int {
		if d := x.Committer.When.Compare(y.Committer.When); d != 0 {
			return d
		}
		return strings.Compare(y.Hash.String(), x.Hash.String())
	})
	w.queue = slices.Insert(w.queue, i, c)
}

// live reports whether a commit in the queue is not yet below a base.
func (w *baseWalk) live() bool {
	return slices.ContainsFunc(w.queue, func(c *object.Commit) bool { return w.side[c.Hash]&stale == 0 })
}
