package git

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// store reads objects and references. go-git's storage fills its maps without
// a lock, so one lock is held here; what is read is small.
type store struct {
	mu      sync.Mutex
	main    *filesystem.Storage
	all     []*filesystem.Storage // main first, then its alternates
	objects string                // the folder of main's
	maxFile int64
	partial bool
}

func openStore(p places, maxFile int64) (*store, error) {
	fs := dotgit.NewRepositoryFilesystem(osfs.New(p.gitDir), osfs.New(p.common))
	opts := filesystem.Options{KeepDescriptors: true, ExclusiveAccess: false}
	s := &store{main: filesystem.NewStorageWithOptions(fs, cache.NewObjectLRUDefault(), opts), objects: filepath.Join(p.common, "objects"), maxFile: maxFile}
	s.all = []*filesystem.Storage{s.main}
	alts, err := alternates(s.objects, map[string]bool{})
	if err != nil {
		return nil, err
	}
	for _, a := range alts {
		s.all = append(s.all, filesystem.NewStorageWithOptions(osfs.New(a), cache.NewObjectLRUDefault(), opts))
	}
	return s, nil
}

// alternates returns the repositories whose objects this one borrows,
// transitively. go-git follows them for some calls only.
func alternates(objects string, seen map[string]bool) ([]string, error) {
	f, err := os.Open(filepath.Join(objects, "info", "alternates"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		dir := sc.Text()
		if dir == "" || dir[0] == '#' {
			continue
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(objects, dir)
		}
		dir = filepath.Clean(dir)
		if seen[dir] || filepath.Base(dir) != "objects" {
			continue
		}
		seen[dir] = true
		out = append(out, filepath.Dir(dir))
		more, err := alternates(dir, seen)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// Close releases the open packs. Trees of the repository cannot be read after.
func (r *Repo) Close() error {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	var errs []error
	for _, st := range r.store.all {
		errs = append(errs, st.Close())
	}
	return errors.Join(errs...)
}

func (s *store) reference(name plumbing.ReferenceName) (*plumbing.Reference, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.main.Reference(name)
}

// size returns the length of a blob from its header.
func (s *store) size(h plumbing.Hash) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := error(plumbing.ErrObjectNotFound)
	for _, st := range s.all {
		var n int64
		if n, err = st.EncodedObjectSize(h); err == nil || !errors.Is(err, plumbing.ErrObjectNotFound) {
			return n, err
		}
	}
	return 0, err
}

// encoded returns an object; go-git's decoders work on it without the store.
func (s *store) encoded(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	err := error(plumbing.ErrObjectNotFound)
	for _, st := range s.all {
		var o plumbing.EncodedObject
		if o, err = st.EncodedObject(t, h); err == nil || !errors.Is(err, plumbing.ErrObjectNotFound) {
			return o, err
		}
	}
	return nil, err
}

// read returns the bytes of an object after checking them against its id:
// go-git does not, and a damaged disk must not become a different fleet.
func (s *store) read(t plumbing.ObjectType, h plumbing.Hash) ([]byte, error) {
	if b, ok := s.loose(t, h); ok {
		return b, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.encoded(t, h)
	if err != nil {
		return nil, err
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if got := plumbing.ComputeHash(t, b); got != h {
		return nil, fmt.Errorf("its content has the id %s", got)
	}
	return b, nil
}

// blob returns the content of a file for a stage: refused when it is too
// large, stands for content that git does not have, or is damaged.
func (s *store) blob(e tree.Entry) ([]byte, error) {
	h := plumbing.NewHash(string(e.ID))
	n := e.Size
	if n < 0 {
		var err error
		if n, err = s.size(h); err != nil {
			return nil, s.damaged(h.String(), e.Path, err).Err()
		}
	}
	if n > s.maxFile {
		return nil, tooLarge(e.Path, n, s.maxFile).Err()
	}
	b, err := s.read(plumbing.BlobObject, h)
	if err != nil {
		return nil, s.damaged(h.String(), e.Path, err).Err()
	}
	if isPointer(b) {
		return nil, lfsPointer(e.Path).Err()
	}
	return b, nil
}

// commit returns a commit object by id.
func (r *Repo) commit(h plumbing.Hash) (*object.Commit, *diag.Diagnostic) {
	b, err := r.store.read(plumbing.CommitObject, h)
	if err != nil {
		return nil, r.missingCommit(h, err)
	}
	o := new(plumbing.MemoryObject)
	o.SetType(plumbing.CommitObject)
	_, _ = o.Write(b)
	c := new(object.Commit)
	if err := c.Decode(o); err != nil {
		return nil, r.store.damaged(h.String(), "", err)
	}
	return c, nil
}

// missingCommit tells a cut-off history from a damaged one.
func (r *Repo) missingCommit(h plumbing.Hash, err error) *diag.Diagnostic {
	if errors.Is(err, plumbing.ErrObjectNotFound) && r.Shallow() {
		return cutOff("commit " + h.String()[:12])
	}
	return r.store.damaged(h.String(), "", err)
}

// Shallow reports whether the history was cut off by a shallow clone.
func (r *Repo) Shallow() bool {
	b, err := os.ReadFile(filepath.Join(r.common, "shallow"))
	return err == nil && strings.TrimSpace(string(b)) != ""
}

// damaged words an object that cannot be had: left out of a partial clone, or
// lost.
func (s *store) damaged(id, path string, err error) *diag.Diagnostic {
	if s.partial && errors.Is(err, plumbing.ErrObjectNotFound) {
		return leftOut(id, path)
	}
	d := diag.Errorf("SRC006", "the git object %s is missing or damaged", id[:12])
	if path != "" {
		d.At(at(path), "its content")
	}
	if err != nil {
		d.Note("%v", err)
	}
	return d.Fix("see what else is damaged: git fsck").
		Fix("fetch the object again: git fetch --refetch, or compile from a fresh clone")
}
