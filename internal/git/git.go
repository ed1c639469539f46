// Package git reads a fleet out of a git repository.
//
// A revision, the index and the working tree all become the same thing: an
// immutable tree of (path, mode, object id) (D2). The object id is what git
// itself would give, also for a file that was never added, because it is the
// cache key of everything downstream; a file whose id is known without reading
// it is not read. Content comes from the object database by id and is checked
// against it, so a stage sees either the bytes that the id names or an error.
//
// go-git stays inside: it reads objects, packs, references, the index and the
// configuration. What it does not do as git does is done here: discovery,
// revision expressions (go-git ignores what it does not know), ignore rules
// and attributes (its matcher is not wildmatch), and the working tree
// (Worktree.Status reads every file). The tests hold each against the real
// git.
//
// Nothing in a repository is ever run: no hook, no filter, no fsmonitor, no
// helper. That is why the owner of the folder does not matter here and
// safe.directory is not asked.
package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// DefaultMaxFile is the largest file that a fleet may hold, in bytes.
const DefaultMaxFile = 64 << 20

// Repo is an open repository. It is safe for concurrent use.
type Repo struct {
	gitDir   string // of this worktree
	common   string // shared by all worktrees of the repository
	worktree string // "" when bare
	opened   string // the folder given to Open, slash-separated below worktree
	index    string // path of the index file
	maxFile  int64
	cfg      settings
	store    *store
}

// Option changes how a repository is opened.
type Option func(*options)

type options struct {
	getenv  func(string) string
	maxFile int64
}

// WithEnvironment lets git's own variables take part: GIT_INDEX_FILE (which
// `git commit -a` sets for its hooks) and the places of the user's and the
// system's configuration. Without it only the repository speaks.
func WithEnvironment(getenv func(string) string) Option {
	return func(o *options) { o.getenv = getenv }
}

// WithMaxFile sets the limit for one file in bytes; 0 is DefaultMaxFile.
func WithMaxFile(n int64) Option { return func(o *options) { o.maxFile = n } }

// Open finds the repository that holds dir: the nearest parent with a .git
// folder or file, or a bare repository. A folder outside any repository, and a
// format that cannot be read, are user problems: diag.From(err) has them.
func Open(ctx context.Context, dir string, opts ...Option) (*Repo, error) {
	o := options{getenv: func(string) string { return "" }, maxFile: DefaultMaxFile}
	for _, f := range opts {
		f(&o)
	}
	if o.maxFile <= 0 {
		o.maxFile = DefaultMaxFile
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	abs, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	p, err := discover(abs, dir)
	if err != nil {
		return nil, err
	}
	cfg, err := readSettings(p, o.getenv)
	if err != nil {
		return nil, err
	}
	r := &Repo{gitDir: p.gitDir, common: p.common, worktree: p.worktree, maxFile: o.maxFile, cfg: cfg}
	if err := r.place(abs); err != nil {
		return nil, err
	}
	r.index = indexFile(p, o.getenv)
	if r.store, err = openStore(p, o.maxFile); err != nil {
		return nil, err
	}
	r.store.partial = cfg.partial
	return r, nil
}

// absolute resolves dir as git resolves its working directory: links in the
// path do not count as part of it.
func absolute(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if os.IsNotExist(err) {
		return "", diag.Errorf("SRC001", "%s does not exist", dir).
			Fix("check the path given to -C").Err()
	}
	if err != nil {
		return "", err
	}
	if fi, err := os.Stat(real); err == nil && !fi.IsDir() {
		return filepath.Dir(real), nil
	}
	return real, nil
}

// place applies core.bare and core.worktree and notes where the opened folder
// lies below the root.
func (r *Repo) place(abs string) error {
	if w := r.cfg.worktree; w != "" {
		if !filepath.IsAbs(w) {
			w = filepath.Join(r.gitDir, w)
		}
		real, err := filepath.EvalSymlinks(w)
		if err != nil {
			return diag.Errorf("SRC014", "core.worktree names %s, which does not exist", w).
				Fix("correct it: git config core.worktree PATH, or: git config --unset core.worktree").Err()
		}
		r.worktree = real
	} else if r.cfg.bare && r.gitDir == r.common {
		r.worktree = ""
	}
	if r.worktree == "" {
		return nil
	}
	rel, err := filepath.Rel(r.worktree, abs)
	if err != nil || rel == "." || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil
	}
	if inside(r.gitDir, abs) {
		return nil
	}
	r.opened = filepath.ToSlash(rel)
	return nil
}

func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// Root returns the absolute path of the working tree, or "" when the
// repository is bare.
func (r *Repo) Root() string { return r.worktree }

// Bare reports whether there is no working tree.
func (r *Repo) Bare() bool { return r.worktree == "" }

// GitDir returns the absolute path of the repository's own folder.
func (r *Repo) GitDir() string { return r.gitDir }

// Dir returns the folder that was opened, relative to Root, slash-separated,
// "" for the root itself: the natural Selector.Dir.
func (r *Repo) Dir() string { return r.opened }

// Head describes where HEAD points.
type Head struct {
	Commit string // full hex id, "" before the first commit
	Branch string // short name, "" when detached
	Time   string // committer time, RFC 3339 in UTC, "" before the first commit
}

// Head returns the current commit. A repository without one is not a problem:
// the result's Commit is empty.
func (r *Repo) Head(ctx context.Context) (Head, error) {
	if err := ctx.Err(); err != nil {
		return Head{}, err
	}
	var h Head
	ref, err := r.store.reference(plumbing.HEAD)
	if err != nil {
		return h, fmt.Errorf("read HEAD: %w", err)
	}
	if ref.Type() == plumbing.SymbolicReference {
		h.Branch = ref.Target().Short()
	}
	id, ok := r.ref(plumbing.HEAD)
	if !ok {
		return h, nil
	}
	c, d := r.commit(id)
	if d != nil {
		return h, d.Err()
	}
	h.Commit, h.Time = c.Hash.String(), commitTime(c)
	return h, nil
}

func commitTime(c *object.Commit) string {
	return c.Committer.When.UTC().Format("2006-01-02T15:04:05Z")
}
