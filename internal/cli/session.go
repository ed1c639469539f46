package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// marker is the file that makes a folder a fleet: a CUE module.
const marker = "cue.mod/module.cue"

// session is a fleet that was opened: where it is and what it holds.
type session struct {
	dir   string // of -C
	repo  *git.Repo
	fleet string // fleet folder below the repository's root, "" for the root
	rev   ir.Revision
	tree  *tree.Tree
	diags diag.List // about reading it
}

// root returns the fleet folder on disk, "" in a bare repository.
func (s *session) root() string {
	if s.repo.Bare() {
		return ""
	}
	return filepath.Join(s.repo.Root(), filepath.FromSlash(s.fleet))
}

// source reads a file for a code frame: as the compiler read it, so that a
// frame of the index shows the index.
func (s *session) source(file string) ([]byte, error) {
	if s == nil || s.tree == nil {
		return nil, fs.ErrNotExist
	}
	return s.tree.ReadFile(file)
}

// open finds the repository and the fleet folder and lists its files.
// Problems of the user are in the session's diagnostics; its tree is then nil.
func (in *input) open(ctx context.Context, inv *Invocation) (*session, error) {
	s := &session{dir: in.dir}
	repo, err := git.Open(ctx, in.dir, git.WithEnvironment(inv.Getenv))
	if d, ok := diag.From(err); ok {
		s.diags.Add(d)
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.repo = repo
	defer inv.recording.Begin("read", "")()
	return s, s.read(ctx, in.selector(), in.dir)
}

func (in *input) selector() git.Selector {
	switch {
	case in.staged:
		return git.Selector{Kind: git.Index}
	case in.revision != "":
		return git.Selector{Kind: git.Commit, Rev: in.revision}
	}
	return git.Selector{Kind: git.Worktree}
}

// head selects the fleet as the delivery branch has it.
func (s *session) head() git.Selector {
	return git.Selector{Kind: git.Commit, Rev: "HEAD", Dir: s.fleet}
}

// read lists the fleet's files: of the nearest folder upwards that is a CUE
// module, else of the folder itself, about which the compiler then complains.
func (s *session) read(ctx context.Context, sel git.Selector, dir string) error {
	if s.repo.Bare() && sel.Kind == git.Worktree {
		sel = git.Selector{Kind: git.Commit}
	}
	start := s.repo.Dir()
	for at := start; ; at = path.Dir(at) {
		if at == "." {
			at = ""
		}
		found, err := s.try(ctx, sel, at)
		if found || err != nil {
			return err
		}
		if at == "" {
			break
		}
	}
	sel.Dir = start
	var err error
	s.fleet = start
	s.tree, s.rev, s.diags, err = s.repo.Tree(ctx, sel)
	return err
}

// try reads one folder and keeps it when it is a fleet. In a working tree the
// marker is looked for on disk first: listing a monorepo to find out that its
// root is no fleet would be slow.
func (s *session) try(ctx context.Context, sel git.Selector, at string) (bool, error) {
	if sel.Kind == git.Worktree {
		_, err := os.Stat(filepath.Join(s.repo.Root(), filepath.FromSlash(at), filepath.FromSlash(marker)))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
	}
	sel.Dir = at
	t, rev, ds, err := s.repo.Tree(ctx, sel)
	if err != nil || t == nil {
		return false, err
	}
	if _, ok := t.Lookup(marker); !ok {
		return false, nil
	}
	s.fleet, s.tree, s.rev, s.diags = at, t, rev, ds
	return true, nil
}

// poisoned says what to do where the cache holds something else than the work
// gives; other errors stay as they are.
func poisoned(err error) error {
	const advice = "somebody else writes to the cache, or the compiler is not deterministic; remove the cache: darkstart cache prune"
	if errors.Is(err, cache.ErrPoisoned) && !strings.Contains(err.Error(), advice) {
		return fmt.Errorf("%w: %s", err, advice)
	}
	return err
}

// compile runs the pipeline on the session's tree. Problems with reading the
// tree come first and alone: what follows would only repeat them.
func (in *input) compile(ctx context.Context, inv *Invocation, s *session, until compiler.Stage, noWaivers bool) (*compiler.Result, error) {
	if s.tree == nil || s.diags.HasErrors() {
		return &compiler.Result{Diagnostics: s.diags.Sorted()}, nil
	}
	now, err := in.time()
	if err != nil {
		return nil, err
	}
	kept, err := in.cached.open(inv)
	if err != nil {
		return nil, err
	}
	cfg := &compiler.Config{
		Cache: kept,
		Tree:  s.tree, Revision: s.rev, Now: now, Until: until,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Policies: policies.FS,
		Clusters: in.clusters, Shard: in.shard, NoWaivers: noWaivers, Pairs: in.pairs, Namespaces: in.namespaces, Parallel: in.parallel,
	}
	cfg.Trace = inv.recording.Hook()
	in.base.into(cfg)
	cfg.HeadName = cmp.Or(short(s.rev.Commit), s.rev.Kind)
	if s.rev.Kind != "commit" {
		cfg.HeadName = map[string]string{"index": "the index", "worktree": "the working tree"}[s.rev.Kind]
	}
	about := ""
	if s.rev.Kind == "commit" { // a run may compile several
		about = short(s.rev.Commit) + ": "
	}
	in.line = in.progress(inv, about, compiling(until))
	cfg.Progress = func(e compiler.Event) { in.line.Event(e.Stage, e.Done, e.Total) }
	in.line.Start()
	res, err := compiler.Compile(ctx, cfg)
	in.line.Stop()
	complain(inv, kept)
	if err != nil {
		return nil, poisoned(err)
	}
	in.used(inv, kept)
	tidy(kept, inv.Stderr)
	res.Diagnostics = append(res.Diagnostics, s.diags...).Sorted()
	return res, nil
}
