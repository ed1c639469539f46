package seal

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// Policy is a trust policy that was read from a file: whom to trust, and what
// is demanded of a release besides.
type Policy struct {
	*Trust
	Name   string        // of the file
	Digest digest.Digest // of its text

	spec spec.Trust
	pos  ir.Positions
}

// Demands is what must be true of a bundle besides a good signature.
type Demands struct {
	// Attestations must stand beside the bundle.
	Attestations []Requirement
	// MaxAge is how long ago the release may have been issued; 0: any time.
	MaxAge time.Duration
}

// NewPolicy reads the keys and roots that a trust policy names, by their paths
// in it, and judges whether the whole makes sense. Every fault has its place in
// the policy's text, which text is the bytes of.
func NewPolicy(u *ir.Unit[spec.Trust], text []byte, src KeySource) (*Policy, diag.List) {
	r := &policyReader{
		Policy: &Policy{Name: u.Dir, Digest: digest.Of(text), spec: u.Spec, pos: u.Pos},
		src:    src, roots: map[string]*TrustedRoot{}, met: map[digest.Digest]met{},
	}
	r.role("release", RoleRelease, u.Spec.Release)
	r.role("attest", RoleAttest, u.Spec.Attest)
	r.streams()
	r.demands("", u.Spec.Require, u.Spec.Policies, u.Spec.Builders)
	for _, s := range slices.Sorted(maps.Keys(u.Spec.Streams)) {
		x := u.Spec.Streams[s]
		r.demands(s, x.Require, x.Policies, x.Builders)
	}
	if r.diags.HasErrors() {
		return nil, r.diags.Sorted()
	}
	t, ds := NewTrust(r.parties...)
	if r.diags.Add(ds...); t == nil {
		return nil, r.diags.Sorted()
	}
	for s, x := range u.Spec.Streams {
		if len(x.Artifacts) > 0 {
			if t.artifacts == nil {
				t.artifacts = map[string][]string{}
			}
			t.artifacts[s] = x.Artifacts
		}
	}
	r.Trust = t
	return r.Policy, r.diags.Sorted()
}

// policyReader is a policy on its way in.
type policyReader struct {
	*Policy
	src     KeySource
	roots   map[string]*TrustedRoot // by path; nil for one that cannot be used
	met     map[digest.Digest]met
	parties []Trusted
	diags   diag.List
}

// met is a party that was read before.
type met struct {
	who who
	at  string
}

func (r *policyReader) add(pointer string, ds ...*diag.Diagnostic) {
	for _, d := range ds {
		r.diags.Add(d.AtAll(r.places(pointer), "here"))
	}
}

// places is where the policy says something, else the policy.
func (p *Policy) places(pointer string) []diag.Position {
	if at := p.pos.At(pointer); len(at) > 0 {
		return at[:1]
	}
	return []diag.Position{{File: p.Name}}
}

func (p *Policy) wrong(pointer, format string, args ...any) *diag.Diagnostic {
	return diag.Errorf("SIG057", format, args...).AtAll(p.places(pointer), "here")
}

// role reads everybody that has a role.
func (r *policyReader) role(field string, role Role, all map[string]spec.Signatory) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s, at := all[name], ir.Pointer(field, name)
		var p Trusted
		if s.Key != "" {
			p = r.key(name, role, s, at)
		} else {
			p = r.identity(name, role, s, at)
		}
		if p == nil {
			continue
		}
		if old, ok := r.met[p.who().id]; ok && old.who.role != role {
			r.add(at, twoRoles(old.who, p.who()).AtAll(r.places(old.at), "trusted to %s", old.who.role))
			continue
		}
		r.met[p.who().id] = met{p.who(), at}
		r.parties = append(r.parties, p)
	}
}

func (r *policyReader) key(name string, role Role, s spec.Signatory, at string) Trusted {
	k, ds := LoadPublicKey(s.Key, role, r.src)
	for _, d := range ds {
		if strings.Contains(d.Message, "PRIVATE KEY") {
			d.Note("whoever can read a private key can try its password at leisure: rotate it if others could")
		}
	}
	r.add(at+"/key", ds...)
	if k == nil {
		return nil
	}
	k.Name, k.Streams = name, s.Streams
	return k
}

func (r *policyReader) identity(name string, role Role, s spec.Signatory, at string) Trusted {
	i := s.Identity
	c := IdentityConfig{
		Name: name, Role: role, Streams: s.Streams,
		Issuer: i.Issuer, IssuerPattern: i.IssuerPattern, Subject: i.Subject, SubjectPattern: i.SubjectPattern,
	}
	if file := cmp.Or(i.TrustedRoot, r.spec.TrustedRoot); file != "" {
		where := "/trustedRoot"
		if i.TrustedRoot != "" {
			where = at + "/identity/trustedRoot"
		}
		if c.Root = r.root(file, where); c.Root == nil {
			return nil
		}
	}
	id, ds := NewIdentity(c)
	r.add(at+"/identity", ds...)
	if id == nil {
		return nil
	}
	return id
}

// root reads a trusted root once, however many identities name it.
func (r *policyReader) root(file, at string) *TrustedRoot {
	if t, read := r.roots[file]; read {
		return t
	}
	r.roots[file] = nil
	b, err := r.src.ReadFile(file)
	if err != nil {
		r.add(at, diag.Errorf("SIG050", "the trusted root %q cannot be read: %v", file, unread(err)).
			Fix("put the trusted_root.json of the Sigstore deployment beside the policy"))
		return nil
	}
	t, ds := ParseTrustedRoot(file, b)
	r.add(at, ds...)
	r.roots[file] = t
	return t
}

// unread is why a file cannot be read, without the path, which the message has.
func unread(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// streams judges who signs what: a stream that nobody signs can release
// nothing, and one whose artifacts nobody lists could release any.
func (r *policyReader) streams() {
	named := map[string]string{} // to where
	limited := ""
	for _, x := range []struct {
		field string
		all   map[string]spec.Signatory
	}{{"release", r.spec.Release}, {"attest", r.spec.Attest}} {
		for _, name := range slices.Sorted(maps.Keys(x.all)) {
			for i, s := range x.all[name].Streams {
				at := ir.Pointer(x.field, name, "streams") + "/" + strconv.Itoa(i)
				named[s] = cmp.Or(named[s], at)
				if x.field == "release" {
					limited = cmp.Or(limited, ir.Pointer(x.field, name, "streams"))
				}
			}
		}
	}
	for s := range r.spec.Streams {
		named[s] = ir.Pointer("streams", s)
	}
	for _, s := range slices.Sorted(maps.Keys(named)) {
		if !signs(r.spec.Release, s) {
			r.diags.Add(r.wrong(named[s], "nobody may sign releases of stream %q", s).
				Fix("add %q to the streams of a key of release, or take the stream out", s))
		}
		if x := r.spec.Streams[s]; limited != "" && len(x.Artifacts) == 0 {
			r.diags.Add(r.wrong(limited, "nothing says which artifacts are of stream %q", s).
				Note("a bundle names its own stream: whoever signs for one could name any cluster").
				Fix("list them: streams: %q: artifacts: [\"CLUSTER\", \"fleet\"]; * stands for any run of characters", s))
		}
	}
	for _, s := range slices.Sorted(maps.Keys(r.spec.Streams)) {
		for i, a := range r.spec.Streams[s].Artifacts {
			for _, other := range slices.Sorted(maps.Keys(r.spec.Streams)) {
				if j := slices.Index(r.spec.Streams[other].Artifacts, a); other < s && j >= 0 {
					r.diags.Add(r.wrong(ir.Pointer("streams", s, "artifacts")+"/"+strconv.Itoa(i), "artifact %q is of the streams %q and %q", a, other, s).
						AtAll(r.places(ir.Pointer("streams", other, "artifacts")+"/"+strconv.Itoa(j)), "and here").
						Fix("leave it in one of them: a stream is what one release key signs"))
				}
			}
		}
	}
}

// signs reports whether anybody counts for a stream.
func signs(all map[string]spec.Signatory, stream string) bool {
	for _, s := range all {
		if s.Streams == nil || slices.Contains(s.Streams, stream) {
			return true
		}
	}
	return false
}

// demands refuses demands that nothing can meet, or that judge nothing. stream
// is "" for those of all streams.
func (r *policyReader) demands(stream string, require, policies, builders []string) {
	at := ""
	if stream != "" {
		at = ir.Pointer("streams", stream)
	}
	required := r.required(stream)
	if attests := func(s string) bool { return signs(r.spec.Attest, s) }; len(require) > 0 && !attests(stream) && !(stream == "" && len(r.spec.Attest) > 0) {
		r.diags.Add(r.wrong(at+"/require", "%s required, and nobody may state it", strings.Join(require, ", ")+map[bool]string{true: " is", false: " are"}[len(require) == 1]).
			Fix("name who may: attest: build: key: \"keys/attest.pub\""))
	}
	if len(policies) > 0 && !slices.Contains(required, "vsa") {
		r.diags.Add(r.wrong(at+"/policies", "policies are named, and no vsa is required that could name one").
			Fix("add \"vsa\" to require, and name who may attest"))
	}
	if len(builders) > 0 && !slices.Contains(required, "provenance") {
		r.diags.Add(r.wrong(at+"/builders", "builders are named, and no provenance is required that could name one").
			Fix("add \"provenance\" to require, and name who may attest"))
	}
}

// required lists the statements that a stream must have; "" is a stream that
// the policy does not name.
func (p *Policy) required(stream string) []string {
	x := p.spec.Streams[stream]
	switch {
	case x.Require != nil:
		return x.Require
	case p.spec.Require != nil:
		return p.spec.Require
	case signs(p.spec.Attest, stream), stream == "" && len(p.spec.Attest) > 0:
		return []string{"provenance", "vsa"}
	}
	return nil
}

// Demands returns what is demanded of a bundle of a stream.
func (p *Policy) Demands(stream string) Demands {
	x := p.spec.Streams[stream]
	d := Demands{MaxAge: time.Duration(cmp.Or(x.MaxAge, p.spec.MaxAge)) * time.Millisecond}
	policies, builders := p.spec.Policies, p.spec.Builders
	if x.Policies != nil {
		policies = x.Policies
	}
	if x.Builders != nil {
		builders = x.Builders
	}
	for _, what := range p.required(stream) {
		switch what {
		case "provenance":
			d.Attestations = append(d.Attestations, Requirement{Predicate: attest.Provenance, Builders: builders})
		case "vsa":
			r := Requirement{Predicate: attest.Summary}
			for _, x := range policies {
				r.Policies = append(r.Policies, digest.Digest(x))
			}
			d.Attestations = append(d.Attestations, r)
		case "sbom":
			d.Attestations = append(d.Attestations, Requirement{Predicate: attest.CycloneDX, Or: attest.SPDX})
		}
	}
	return d
}

// Fits judges the policy against the streams of a fleet, each with its
// artifacts: a stream that nobody may sign, and what the two say differently
// about what is in one.
func (p *Policy) Fits(streams map[string][]string) diag.List {
	var diags diag.List
	names := slices.Sorted(maps.Keys(streams))
	for _, s := range names {
		if !signs(p.spec.Release, s) {
			diags.Add(p.wrong("/release", "nobody may sign releases of stream %q of the fleet", s).
				Fix("add %q to the streams of a key of release", s))
			continue
		}
		for _, a := range streams[s] {
			if of := p.home(a); p.artifacts != nil && !slices.Equal(of, []string{s}) {
				diags.Add(p.wrong("/streams", "artifact %q is of stream %q in the fleet, and of %s here", a, s, listed(of, "none")).
					Fix("make streams.%s.artifacts, and no other, fit %q", s, a))
			}
		}
	}
	for _, s := range slices.Sorted(maps.Keys(p.spec.Streams)) {
		if streams[s] == nil {
			d := p.wrong(ir.Pointer("streams", s), "the fleet has no stream %q", s)
			if near := diag.Nearest(s, names); near != "" {
				d.Fix("did you mean %q?", near)
			}
			diags.Add(d.Fix("streams of the fleet: %s", strings.Join(names, ", ")))
		}
	}
	return diags.Sorted()
}

func listed(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// home returns the streams that an artifact is of, sorted; none where the trust
// says nothing of artifacts, or not of this one.
func (t *Trust) home(artifact string) []string {
	var out []string
	for _, s := range slices.Sorted(maps.Keys(t.artifacts)) {
		if slices.ContainsFunc(t.artifacts[s], func(pattern string) bool { ok, _ := path.Match(pattern, artifact); return ok }) {
			out = append(out, s)
		}
	}
	return out
}
