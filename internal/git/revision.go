package git

import (
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// resolve turns a revision expression into a commit: a name followed by any
// number of ~N, ^N, ^{} and ^{commit}. What is not understood is refused:
// go-git's own parser reads over it, and HEAD@{yesterday} would become HEAD.
func (r *Repo) resolve(rev string) (*object.Commit, *diag.Diagnostic) {
	base, steps := rev, ""
	if i := strings.IndexAny(rev, "~^"); i >= 0 {
		base, steps = rev[:i], rev[i:]
	}
	if base == "" || strings.ContainsAny(base, "{}:") || strings.Contains(rev, "..") {
		return nil, unsupportedRevision(rev)
	}
	h, d := r.base(base)
	if d != nil {
		return nil, d
	}
	c, d := r.peel(h, base)
	for steps != "" && d == nil {
		c, steps, d = r.step(c, steps, rev)
	}
	return c, d
}

func unsupportedRevision(rev string) *diag.Diagnostic {
	return diag.Errorf("SRC017", "%q is not a revision that can be compiled", rev).
		Note("a commit is wanted: a branch, tag, remote branch or commit id, with ~N, ^N or ^{commit}").
		Fix("let git resolve it: $(git rev-parse --verify '%s^{commit}')", rev)
}

var described = regexp.MustCompile(`-g([0-9a-f]{4,40})$`)

// base resolves a name in git's order: full id, reference, git describe's
// output, abbreviated id.
func (r *Repo) base(name string) (plumbing.Hash, *diag.Diagnostic) {
	if name == "@" {
		name = "HEAD"
	}
	if len(name) == 40 && isHex(name) {
		return plumbing.NewHash(name), nil
	}
	for _, p := range refRules {
		if h, ok := r.ref(plumbing.ReferenceName(strings.Replace(p, "%", name, 1))); ok {
			return h, nil
		}
	}
	short := strings.ToLower(name)
	if m := described.FindStringSubmatch(name); m != nil {
		short = m[1]
	}
	if len(short) >= 4 && len(short) < 40 && isHex(short) {
		if h, d := r.abbreviated(short); d != nil || !h.IsZero() {
			return h, d
		}
	}
	if name == "HEAD" {
		return plumbing.ZeroHash, noCommit()
	}
	return plumbing.ZeroHash, r.unknown(name)
}

// refRules is the search order of gitrevisions(7).
var refRules = []string{"%", "refs/%", "refs/tags/%", "refs/heads/%", "refs/remotes/%", "refs/remotes/%/HEAD"}

func isHex(s string) bool { return strings.Trim(strings.ToLower(s), "0123456789abcdef") == "" }

// ref follows symbolic references to an id.
func (r *Repo) ref(name plumbing.ReferenceName) (plumbing.Hash, bool) {
	for range 6 {
		ref, err := r.store.reference(name)
		if err != nil {
			return plumbing.ZeroHash, false
		}
		if ref.Type() == plumbing.HashReference {
			return ref.Hash(), !ref.Hash().IsZero()
		}
		name = ref.Target()
	}
	return plumbing.ZeroHash, false
}

func noCommit() *diag.Diagnostic {
	return diag.Errorf("SRC004", "the repository has no commit yet").
		Fix("commit the fleet: git add -A && git commit").
		Fix("or compile what is not committed yet, from the index (--staged) or the working tree")
}

// abbreviated returns the one commit whose id starts with short, or zero.
func (r *Repo) abbreviated(short string) (plumbing.Hash, *diag.Diagnostic) {
	prefix, _ := hex.DecodeString(short[:len(short)&^1])
	var found []string
	for _, id := range r.store.prefixed(prefix) {
		if !strings.HasPrefix(id.String(), short) || slices.Contains(found, id.String()) {
			continue
		}
		if _, d := r.peel(id, short); d == nil {
			found = append(found, id.String())
		}
	}
	switch len(found) {
	case 0:
		return plumbing.ZeroHash, nil
	case 1:
		return plumbing.NewHash(found[0]), nil
	}
	slices.Sort(found)
	return plumbing.ZeroHash, diag.Errorf("SRC002", "the revision %q is ambiguous", short).
		Note("it may be %s", strings.Join(found, " or ")).
		Fix("write more digits of the commit's id")
}

func (s *store) prefixed(prefix []byte) []plumbing.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []plumbing.Hash
	for _, st := range s.all {
		if hs, err := st.HashesWithPrefix(prefix); err == nil {
			out = append(out, hs...)
		}
	}
	return out
}

// peel follows annotated tags to a commit.
func (r *Repo) peel(h plumbing.Hash, name string) (*object.Commit, *diag.Diagnostic) {
	for range 10 {
		typ, b, err := r.store.any(h)
		switch {
		case errors.Is(err, plumbing.ErrObjectNotFound) && h.String() == strings.ToLower(name):
			return nil, r.unknown(name)
		case err != nil:
			return nil, r.missingCommit(h, err)
		case typ == plumbing.CommitObject:
			return r.commit(h)
		case typ != plumbing.TagObject:
			return nil, diag.Errorf("SRC002", "%q is a %s, not a commit", name, typ).
				Fix("name a commit, a branch or a tag of one")
		}
		target, ok := strings.CutPrefix(string(b), "object ")
		if !ok || len(target) < 40 {
			return nil, r.store.damaged(h.String(), "", nil)
		}
		h = plumbing.NewHash(target[:40])
	}
	return nil, unsupportedRevision(name)
}

// any reads a commit or tag; other types are told by name only.
func (s *store) any(h plumbing.Hash) (plumbing.ObjectType, []byte, error) {
	s.mu.Lock()
	o, err := s.encoded(plumbing.AnyObject, h)
	s.mu.Unlock()
	if err != nil || o.Type() == plumbing.BlobObject || o.Type() == plumbing.TreeObject {
		if err != nil {
			return plumbing.InvalidObject, nil, err
		}
		return o.Type(), nil, nil
	}
	b, err := s.read(o.Type(), h)
	return o.Type(), b, err
}

// step applies the first ~N, ^N or ^{…} of steps.
func (r *Repo) step(c *object.Commit, steps, rev string) (*object.Commit, string, *diag.Diagnostic) {
	for _, same := range []string{"^{commit}", "^{}", "^0"} {
		if rest, ok := strings.CutPrefix(steps, same); ok && (same != "^0" || rest == "" || strings.ContainsAny(rest[:1], "~^")) {
			return c, rest, nil
		}
	}
	op, rest := steps[0], steps[1:]
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	rest = rest[len(digits):]
	n := 1
	if digits != "" {
		var err error
		if n, err = strconv.Atoi(digits); err != nil {
			return nil, "", unsupportedRevision(rev)
		}
	}
	if rest != "" && rest[0] != '~' && rest[0] != '^' {
		return nil, "", unsupportedRevision(rev)
	}
	if op == '^' {
		p, d := r.parent(c, n, rev)
		return p, rest, d
	}
	for range n {
		p, d := r.parent(c, 1, rev)
		if d != nil {
			return nil, "", d
		}
		c = p
	}
	return c, rest, nil
}

func (r *Repo) parent(c *object.Commit, n int, rev string) (*object.Commit, *diag.Diagnostic) {
	if n > len(c.ParentHashes) {
		return nil, diag.Errorf("SRC002", "%q goes past the first commit", rev).
			Note("%s has %d parents", c.Hash.String()[:12], len(c.ParentHashes)).
			Fix("name a commit that exists: git log --oneline")
	}
	return r.commit(c.ParentHashes[n-1])
}

// unknown proposes the nearest reference, and says so when the clone may
// simply not have it.
func (r *Repo) unknown(name string) *diag.Diagnostic {
	names := r.refNames()
	if len(names) == 0 {
		if h, ok := r.ref(plumbing.HEAD); !ok || h.IsZero() {
			return noCommit()
		}
	}
	d := diag.Errorf("SRC002", "the revision %q does not exist", name)
	if near := diag.Nearest(name, names); near != "" {
		d.Fix("did you mean %q?", near)
	}
	if r.Shallow() {
		d.Note("this is a shallow clone: commits and branches that were not fetched are unknown")
		d.Fix("fetch the rest: git fetch --unshallow (in CI, clone with full history, for example fetch-depth: 0)")
	}
	if remote, branch, ok := strings.Cut(name, "/"); ok {
		d.Fix("fetch it: git fetch %s %s:refs/remotes/%s/%s", remote, branch, remote, branch)
	}
	return d.Fix("see what there is: git branch --all && git tag")
}

// refNames lists the short names of branches, remote branches and tags.
func (r *Repo) refNames() []string {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	it, err := r.store.main.IterReferences()
	if err != nil {
		return nil
	}
	var names []string
	_ = it.ForEach(func(ref *plumbing.Reference) error {
		if n := ref.Name(); n.IsBranch() || n.IsRemote() || n.IsTag() {
			names = append(names, n.Short())
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names)
}
