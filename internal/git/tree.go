package git

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Kind says which state of a repository is read.
type Kind string

// The states of a repository, as ir.Revision.Kind names them.
const (
	Commit   Kind = "commit"
	Index    Kind = "index"
	Worktree Kind = "worktree"
)

// Selector names a fleet in a repository. The zero value is HEAD's root.
type Selector struct {
	Kind Kind   // "" is Commit
	Rev  string // of Commit, "" is HEAD
	Dir  string // the fleet folder, slash-separated below the root, "" for it
}

// output is the folder that compiles are written to: never input (DESIGN §3).
const output = "dist"

// Tree returns the files of the fleet folder, relative to it. What cannot be
// input (submodules, links that lead outside, files over the limit) is left
// out of the tree and reported. The tree is nil when there is nothing to read.
func (r *Repo) Tree(ctx context.Context, sel Selector) (*tree.Tree, ir.Revision, diag.List, error) {
	rev, d, err := r.revision(ctx, &sel)
	if err != nil || d != nil {
		return nil, rev, one(d), err
	}
	l := &listing{repo: r, ctx: ctx, dir: sel.Dir, open: r.store.blob}
	switch sel.Kind {
	case Commit:
		d, err = l.fromCommit(plumbing.NewHash(rev.Commit), &rev)
	case Index:
		d, err = l.fromIndex()
	case Worktree:
		d, err = l.fromWorktree()
	}
	if err != nil || d != nil {
		return nil, rev, one(d), err
	}
	t, err := l.finish()
	return t, rev, l.diags.Sorted(), err
}

func one(d *diag.Diagnostic) diag.List {
	if d == nil {
		return nil
	}
	return diag.List{d}
}

// revision normalises sel and finds the commit that now is taken from (D13).
func (r *Repo) revision(ctx context.Context, sel *Selector) (ir.Revision, *diag.Diagnostic, error) {
	if err := ctx.Err(); err != nil {
		return ir.Revision{}, nil, err
	}
	if sel.Kind == "" {
		sel.Kind = Commit
	}
	rev := ir.Revision{Kind: string(sel.Kind)}
	if sel.Dir = path.Clean("/" + sel.Dir)[1:]; sel.Dir != "" && !fs.ValidPath(sel.Dir) {
		return rev, noFolder(sel.Dir, nil), nil
	}
	switch sel.Kind {
	case Commit:
		if sel.Rev == "" {
			sel.Rev = "HEAD"
		}
		c, d := r.resolve(sel.Rev)
		if d == nil {
			rev.Commit, rev.Time = c.Hash.String(), commitTime(c)
		}
		return rev, d, nil
	case Index, Worktree:
		if r.Bare() {
			return rev, diag.Errorf("SRC018", "a bare repository has no %s", sel.Kind).
				Fix("compile a commit: leave out --staged, or name one with --rev"), nil
		}
		h, err := r.Head(ctx)
		rev.Commit, rev.Time = h.Commit, h.Time
		if d, ok := diag.From(err); ok {
			return rev, d, nil
		}
		return rev, nil, err
	}
	return rev, nil, fmt.Errorf("git: unknown kind %q", sel.Kind)
}

// listing collects the files of a fleet folder, whatever they are read from.
type listing struct {
	repo    *Repo
	ctx     context.Context
	dir     string
	entries []tree.Entry
	links   map[string]string        // path to target
	rules   map[string]plumbing.Hash // .gitattributes blobs, by path from the root
	open    tree.Opener
	diags   diag.List
}

// add takes one file, path relative to the fleet folder.
func (l *listing) add(e tree.Entry) {
	if e.Path == output || strings.HasPrefix(e.Path, output+"/") {
		return
	}
	switch {
	case !utf8.ValidString(e.Path) || !fs.ValidPath(e.Path):
		l.diags.Add(badPath(e.Path))
	case e.Size > l.repo.maxFile:
		l.diags.Add(tooLarge(e.Path, e.Size, l.repo.maxFile))
	default:
		l.entries = append(l.entries, e)
	}
}

// addLink takes a symbolic link; finish resolves it.
func (l *listing) addLink(name, target string) {
	if name == output || strings.HasPrefix(name, output+"/") {
		return
	}
	if !utf8.ValidString(name) || !utf8.ValidString(target) {
		l.diags.Add(badPath(name))
		return
	}
	if l.links == nil {
		l.links = map[string]string{}
	}
	l.links[name] = target
}

func (l *listing) finish() (*tree.Tree, error) {
	l.refusePointers()
	l.resolveLinks()
	return tree.New(l.entries, l.open)
}

// fromCommit walks the trees of a commit; only headers of blobs are read.
func (l *listing) fromCommit(id plumbing.Hash, rev *ir.Revision) (*diag.Diagnostic, error) {
	c, d := l.repo.commit(id)
	if d != nil {
		return d, nil
	}
	root, above := c.TreeHash, ""
	if l.dir != "" {
		for _, name := range strings.Split(l.dir, "/") {
			es, d := l.repo.readTree(root, l.dir)
			if d != nil {
				return d, nil
			}
			l.noteRules(above, es)
			above = path.Join(above, name)
			if root = subtree(es, name); root.IsZero() {
				return noFolder(l.dir, l.repo.fleets(c.TreeHash)), nil
			}
		}
	}
	rev.Tree = root.String()
	return l.walk(root, "")
}

func subtree(es []object.TreeEntry, name string) plumbing.Hash {
	for _, e := range es {
		if e.Name == name && e.Mode == filemode.Dir {
			return e.Hash
		}
	}
	return plumbing.ZeroHash
}

// readTree decodes a tree object after checking its id.
func (r *Repo) readTree(h plumbing.Hash, where string) ([]object.TreeEntry, *diag.Diagnostic) {
	b, err := r.store.read(plumbing.TreeObject, h)
	if err != nil {
		return nil, r.store.damaged(h.String(), where, err)
	}
	o := new(plumbing.MemoryObject)
	o.SetType(plumbing.TreeObject)
	_, _ = o.Write(b)
	t := new(object.Tree)
	if err := t.Decode(o); err != nil {
		return nil, r.store.damaged(h.String(), where, err)
	}
	return t.Entries, nil
}

func (l *listing) walk(h plumbing.Hash, prefix string) (*diag.Diagnostic, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	if len(prefix) > maxPath {
		l.diags.Add(badPath(prefix[:80]))
		return nil, nil
	}
	es, d := l.repo.readTree(h, strings.TrimSuffix(prefix, "/"))
	if d != nil {
		return d, nil
	}
	for _, e := range es {
		if prefix == "" && e.Name == output {
			continue
		}
		name := prefix + e.Name
		if e.Mode == filemode.Dir {
			if d, err := l.walk(e.Hash, name+"/"); d != nil || err != nil {
				return d, err
			}
			continue
		}
		l.addObject(name, e.Mode, e.Hash)
	}
	return nil, nil
}

// noteRules remembers the .gitattributes of a folder above the fleet.
func (l *listing) noteRules(dir string, es []object.TreeEntry) {
	for _, e := range es {
		if e.Name == attributesFile && e.Mode.IsFile() {
			l.rule(path.Join(dir, e.Name), e.Hash)
		}
	}
}

func (l *listing) rule(name string, h plumbing.Hash) {
	if l.rules == nil {
		l.rules = map[string]plumbing.Hash{}
	}
	l.rules[name] = h
}

// addObject takes an entry of a tree object or of the index.
func (l *listing) addObject(name string, mode filemode.FileMode, h plumbing.Hash) {
	if mode == filemode.Submodule {
		l.diags.Add(submodule(name))
		return
	}
	n, err := l.repo.store.size(h)
	if err != nil {
		l.diags.Add(l.repo.store.damaged(h.String(), name, err))
		return
	}
	e := tree.Entry{Path: name, Mode: tree.Regular, ID: tree.ID(h.String()), Size: n}
	switch mode {
	case filemode.Executable:
		e.Mode = tree.Executable
	case filemode.Symlink:
		if n > maxLink {
			l.diags.Add(badPath(name))
			return
		}
		b, err := l.repo.store.read(plumbing.BlobObject, h)
		if err != nil {
			l.diags.Add(l.repo.store.damaged(h.String(), name, err))
			return
		}
		l.addLink(name, string(b))
		return
	}
	if path.Base(name) == attributesFile {
		l.rule(path.Join(l.dir, name), h)
	}
	l.add(e)
}

// fleets lists the folders of a tree that look like a fleet.
func (r *Repo) fleets(root plumbing.Hash) []string {
	var out []string
	var visit func(h plumbing.Hash, dir string, depth int)
	visit = func(h plumbing.Hash, dir string, depth int) {
		es, d := r.readTree(h, dir)
		if d != nil || depth > 4 {
			return
		}
		for _, e := range es {
			switch {
			case e.Name == "darkstart.cue":
				out = append(out, dir)
			case e.Mode == filemode.Dir:
				visit(e.Hash, path.Join(dir, e.Name), depth+1)
			}
		}
	}
	visit(root, "", 0)
	return out
}
