package git

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// worktree lists what `git add --all` would put into the index.
type worktree struct {
	*listing
	index   *indexData
	ignores *ignores
	attrs   *attributes
	seen    map[string]bool // tracked paths met on disk
	fresh   map[tree.ID]source
}

// source is where content that git does not have yet is read again.
type source struct {
	name string // from the repository's root
	how  conversion
}

// fromWorktree walks the fleet folder on disk. A file whose recorded size and
// times have not changed keeps the id that the index has for it, unread.
func (l *listing) fromWorktree() (*diag.Diagnostic, error) {
	x, d, err := l.repo.readIndex()
	if d != nil || err != nil {
		return d, err
	}
	fi, err := os.Lstat(l.repo.disk(l.dir))
	if os.IsNotExist(err) || err == nil && !fi.IsDir() {
		return noFolder(l.dir, x.fleets()), nil
	}
	if err != nil {
		return nil, err
	}
	w := &worktree{listing: l, index: x, ignores: l.repo.ignores(), seen: map[string]bool{}, fresh: map[tree.ID]source{}}
	w.attrs = l.repo.attributes(w.attributesText)
	l.open = w.read
	if err := w.folder(l.dir); err != nil {
		return nil, err
	}
	w.unseen()
	l.noteIndexRules(x)
	return nil, nil
}

func (r *Repo) disk(name string) string { return filepath.Join(r.worktree, filepath.FromSlash(name)) }

// attributesText reads rules from the disk, else from the index, as git does
// when it adds files.
func (w *worktree) attributesText(name string) string {
	if text := readSmall(w.repo.disk(name)); text != "" {
		return text
	}
	if e := w.index.find(name); e != nil && e.Stage == 0 {
		if b, err := w.repo.store.read(plumbing.BlobObject, e.Hash); err == nil {
			return string(b)
		}
	}
	return ""
}

// rel cuts the fleet folder from a path of the repository.
func (w *worktree) rel(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, w.dir), "/")
}

// folder visits a folder, named from the repository's root.
func (w *worktree) folder(dir string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	es, err := os.ReadDir(w.repo.disk(dir))
	if os.IsNotExist(err) {
		return nil // removed while we look: as if it had never been
	}
	if err != nil {
		return err
	}
	for _, e := range es {
		name := path.Join(dir, e.Name())
		if e.Name() == ".git" || w.rel(name) == output {
			continue
		}
		if e.IsDir() {
			err = w.subfolder(name)
		} else {
			err = w.file(name, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *worktree) subfolder(name string) error {
	if e := w.index.find(name); e != nil && e.Mode == filemode.Submodule {
		return nil // reported by unseen
	}
	tracked := len(w.index.below(name)) > 0
	if !tracked {
		if w.ignores.ignored(name, true) {
			return nil
		}
		if _, err := os.Lstat(filepath.Join(w.repo.disk(name), ".git")); err == nil {
			w.diags.Add(submodule(w.rel(name)))
			return nil
		}
	}
	return w.folder(name)
}

func (w *worktree) file(name string, d fs.DirEntry) error {
	e := w.index.find(name)
	if e == nil && w.ignores.ignored(name, false) {
		return nil
	}
	fi, err := d.Info()
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case fi.Mode()&fs.ModeSymlink != 0:
		return w.link(name, os.Readlink)
	case !fi.Mode().IsRegular():
		return nil // git does not add sockets, pipes and devices
	case e != nil && e.Mode == filemode.Symlink && !w.repo.cfg.symlinks:
		return w.link(name, func(p string) (string, error) { b, err := os.ReadFile(p); return string(b), err })
	}
	w.seen[name] = true
	return w.regular(name, fi, e)
}

func (w *worktree) link(name string, read func(string) (string, error)) error {
	target, err := read(w.repo.disk(name))
	if os.IsNotExist(err) {
		return nil
	}
	w.seen[name] = true
	w.addLink(w.rel(name), filepath.ToSlash(target))
	return err
}

func (w *worktree) regular(name string, fi fs.FileInfo, e *index.Entry) error {
	out := tree.Entry{Path: w.rel(name), Mode: w.mode(fi, e), Size: fi.Size()}
	if e != nil && w.unchanged(e, fi) {
		n, err := w.repo.store.size(e.Hash)
		if err != nil {
			w.diags.Add(w.repo.store.damaged(e.Hash.String(), out.Path, err))
			return nil
		}
		out.ID, out.Size = tree.ID(e.Hash.String()), n
		w.add(out)
		return nil
	}
	if fi.Size() > w.repo.maxFile {
		w.add(out) // refused there
		return nil
	}
	how, d := w.conversion(name)
	if d != nil {
		w.diags.Add(d)
		return nil
	}
	b, err := w.content(source{name, how})
	if p, ok := diag.From(err); ok || os.IsNotExist(err) {
		w.diags.Add(p)
		return nil
	}
	if err != nil {
		return err
	}
	out.ID, out.Size = tree.BlobID(b), int64(len(b))
	w.fresh[out.ID] = source{name, how}
	w.add(out)
	return nil
}

// mode is what git would record: the disk's executable bit where the file
// system has one.
func (w *worktree) mode(fi fs.FileInfo, e *index.Entry) tree.Mode {
	exec := fi.Mode()&0o100 != 0
	if !w.repo.cfg.fileMode {
		exec = e != nil && e.Mode == filemode.Executable
	}
	if exec {
		return tree.Executable
	}
	return tree.Regular
}

// conversion says how `git add` would change the bytes of a file.
func (w *worktree) conversion(name string) (conversion, *diag.Diagnostic) {
	how, unsupported := w.repo.cfg.conversion(w.attrs.of(name))
	switch {
	case unsupported == "filter=lfs":
		return how, lfsPointer(w.rel(name))
	case unsupported != "":
		return how, unsupportedAttribute(w.rel(name), unsupported)
	}
	return how, nil
}

// content reads a file and converts it as `git add` would.
func (w *worktree) content(s source) ([]byte, error) {
	f, err := os.Open(w.repo.disk(s.name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, w.repo.maxFile+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > w.repo.maxFile {
		return nil, tooLarge(w.rel(s.name), int64(len(b)), w.repo.maxFile).Err()
	}
	return s.how.toGit(b, func() bool { return w.storedCRLF(s.name) }), nil
}

func (w *worktree) storedCRLF(name string) bool {
	e := w.index.find(name)
	if e == nil {
		return false
	}
	b, err := w.repo.store.read(plumbing.BlobObject, e.Hash)
	return err == nil && storedCRLF(b)
}

// read is the tree's opener: the disk for what is not in git yet, checked
// against the id that it had when the tree was listed.
func (w *worktree) read(e tree.Entry) ([]byte, error) {
	s, ok := w.fresh[e.ID]
	if !ok {
		return w.repo.store.blob(e)
	}
	b, err := w.content(s)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if err != nil || tree.BlobID(b) != e.ID {
		return nil, changed(e.Path).Err()
	}
	if isPointer(b) {
		return nil, lfsPointer(e.Path).Err()
	}
	return b, nil
}

// unseen reports submodules and takes what a sparse checkout left out.
func (w *worktree) unseen() {
	for _, e := range w.index.below(w.dir) {
		switch {
		case e.Mode == filemode.Submodule:
			w.diags.Add(submodule(w.rel(e.Name)))
		case e.SkipWorktree && !w.seen[e.Name]:
			w.addObject(w.rel(e.Name), e.Mode, e.Hash)
		}
	}
}
