package seal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// maxReferrers bounds how many statements may stand beside one bundle.
const maxReferrers = 1000

// VerifyConfig holds what a verification is judged by, besides the trust
// policy. Every field that is not given leaves a fact "not checked", and the
// report says so.
type VerifyConfig struct {
	Limits Limits
	// Artifact is the one that was asked for; "" accepts any, and says so.
	Artifact string
	// Known returns what is recorded and remembered of an artifact, once the
	// bundle has said which it is; it stands for Stream, Recorded and State.
	Known func(artifact string) Known
	// Demand returns what is demanded of a bundle, once it has said which stream
	// it is of; it stands for Attestations and MaxAge.
	Demand func(stream string) Demands
	// Now is the time that expiry is judged at; zero: not checked.
	Now time.Time
	// MinSerial is a floor given by hand; 0: none.
	MinSerial int
	// Stream that the records have the artifact in; "" when they do not say.
	Stream string
	// Recorded are the artifact's entries in the records of every stream.
	Recorded []ir.Recorded
	// State is what the last verification of this artifact remembered.
	State *State
	// Attestations must stand beside the bundle, each by a trusted attestation
	// key.
	Attestations []Requirement
	// MaxAge is how long ago the release may have been issued; 0: any time.
	MaxAge time.Duration
	// AllowExpired turns the refusal of an expired bundle into a warning: for
	// disasters, when nothing newer can be made.
	AllowExpired bool
	// NoWaivers refuses a bundle whose verdict relied on a waiver: for auditors.
	NoWaivers bool
	// Strict refuses when rollback, expiry or waivers could not be checked.
	Strict bool
}

// Known is what is recorded and remembered of an artifact; see VerifyConfig.
type Known struct {
	Stream   string
	Recorded []ir.Recorded
	State    *State
}

// State is what is remembered of the newest bundle of an artifact that ever
// verified: the floor of the next verification.
type State struct {
	Serial   int           `json:"serial"`
	Manifest digest.Digest `json:"manifest"`
	// Stream that the artifact belongs to; "" in files of before it was kept.
	Stream   string `json:"stream,omitempty"`
	NotAfter string `json:"notAfter,omitempty"`
	// Verified is the latest time at which anything of the artifact verified: no
	// clock that is behind it makes an expired bundle valid again.
	Verified string `json:"verified,omitempty"`
}

// Status of a fact or a signature.
type Status string

// The values of Status.
const (
	StatusProven     Status = "proven"
	StatusRefused    Status = "refused"
	StatusNotChecked Status = "not checked"
	StatusAccepted   Status = "accepted" // known to be bad, and let through by hand
	StatusValid      Status = "valid"
	StatusIgnored    Status = "ignored"
)

// Fact is one line of the report.
type Fact struct {
	Name   string `json:"name"` // content, artifact, signature, rollback, chain, expiry, age, waivers, attestations
	Status Status `json:"status"`
	Detail string `json:"detail"`
}

// Seen is one statement found beside the bundle.
type Seen struct {
	Digest  digest.Digest `json:"digest"` // of its OCI manifest
	Status  Status        `json:"status"`
	Key     digest.Digest `json:"key,omitempty"`
	KeyName string        `json:"keyName,omitempty"`
	// Identity is whom a certificate names, when no key is trusted but one.
	Identity  string `json:"identity,omitempty"`
	Role      Role   `json:"role,omitempty"`
	Predicate string `json:"predicate,omitempty"`
	Reason    string `json:"reason,omitempty"`

	// Claim is what a valid attestation says; nil for a release signature.
	Claim *attest.Claim `json:"claim,omitempty"`

	code string // of a refused statement
}

// Report says what was proven, by whom, and what was not checked.
type Report struct {
	Artifact string        `json:"artifact"`
	Stream   string        `json:"stream"`
	Serial   int           `json:"serial"`
	Manifest digest.Digest `json:"manifest"`
	Layer    digest.Digest `json:"layer"`
	Tar      digest.Digest `json:"tar"`
	Content  digest.Digest `json:"content"`
	Revision string        `json:"revision"`
	Issued   string        `json:"issued"`
	NotAfter string        `json:"notAfter,omitempty"`
	// Waivers are those that the verdict on the release relied on.
	Waivers []ir.RecordedWaiver `json:"waivers,omitempty"`
	Facts   []Fact              `json:"facts"`
	Seen    []Seen              `json:"statements"`
	// Bundle is set only when nothing was refused.
	Bundle *Bundle `json:"-"`
}

// State is what to remember when the report refuses nothing.
func (r *Report) State() State {
	return State{Serial: r.Serial, Manifest: r.Manifest, Stream: r.Stream, NotAfter: r.NotAfter}
}

// NotChecked returns the names of the facts that nobody looked at.
func (r *Report) NotChecked() []string {
	var out []string
	for _, f := range r.Facts {
		if f.Status == StatusNotChecked {
			out = append(out, f.Name)
		}
	}
	return out
}

// Verify decides whether the bundle that ref names (an artifact's name, a tag,
// or a digest) may be trusted. It is stricter than cosign and than either
// engine (DESIGN §8). The bundle may be used exactly when the diagnostics hold
// no error; Report.Bundle is nil otherwise. An error means that the store could
// not be read at all.
func Verify(ctx context.Context, src oci.Source, ref string, t *Trust, c *VerifyConfig) (*Report, diag.List, error) {
	if t == nil {
		return nil, nil, errors.New("seal: verification without a trust policy does not exist")
	}
	if c == nil {
		c = &VerifyConfig{}
	}
	b, diags, err := Load(ctx, src, ref, c.Limits)
	if b == nil {
		return nil, diags, err
	}
	return verifyLoaded(ctx, src, b, t, c)
}

// verifyLoaded judges a bundle whose bytes were all derived again.
func verifyLoaded(ctx context.Context, src oci.Source, b *Bundle, t *Trust, c *VerifyConfig) (*Report, diag.List, error) {
	r := newReport(b)
	if b.Record.Candidate() {
		return r, diag.List{candidate(b)}, nil
	}
	v := &verification{c: c.about(r.Stream, r.Artifact), b: b, r: r, t: t}
	v.identity()
	if err := v.signatures(ctx, src); err != nil {
		return nil, nil, err
	}
	v.rollback()
	v.chain()
	v.expiry()
	v.age()
	v.waivers()
	v.strict()
	if !v.diags.HasErrors() {
		r.Bundle = b
	}
	return r, v.diags.Sorted(), nil
}

// about asks for what depends on the artifact and its stream.
func (c *VerifyConfig) about(stream, artifact string) *VerifyConfig {
	out := *c
	if c.Known != nil {
		k := c.Known(artifact)
		out.Stream, out.Recorded, out.State = k.Stream, k.Recorded, k.State
	}
	if c.Demand != nil {
		d := c.Demand(stream)
		out.Attestations, out.MaxAge = d.Attestations, d.MaxAge
	}
	return &out
}

func newReport(b *Bundle) *Report {
	return &Report{
		Artifact: b.Record.Artifact, Stream: b.Record.Stream, Serial: b.Record.Serial,
		Manifest: b.Digest(), Layer: b.LayerDigest(), Tar: b.Tar, Content: b.Content,
		Revision: b.Record.Revision, Issued: b.Record.Issued, NotAfter: b.Record.NotAfter, Waivers: b.Record.Waivers,
		Facts: []Fact{{"content", StatusProven, "sealing the files again gives the same manifest, layer and record"}}, Seen: []Seen{},
	}
}

// Unreleased is the diagnostic of a bundle that is a candidate.
func Unreleased(b *Bundle) *diag.Diagnostic { return candidate(b) }

func candidate(b *Bundle) *diag.Diagnostic {
	return diag.Errorf("SIG007", "the bundle of %q is a candidate: it was compiled, but never released", b.Record.Artifact).
		Note("it has serial 0, so no cluster could tell an older one from it").
		Fix("run `darkstart release` on the delivery branch, commit the record, and compile again")
}

// verification collects facts and diagnostics about one bundle.
type verification struct {
	c     *VerifyConfig
	t     *Trust
	b     *Bundle
	r     *Report
	diags diag.List
}

func (v *verification) fact(name string, s Status, format string, args ...any) {
	v.r.Facts = append(v.r.Facts, Fact{name, s, fmt.Sprintf(format, args...)})
}

func (v *verification) refuse(fact string, d *diag.Diagnostic) {
	v.fact(fact, StatusRefused, "%s", d.Message)
	v.diags.Add(d)
}

// signatures judges every statement beside the bundle. One valid release
// signature suffices; one wrong word of a trusted key refuses.
func (v *verification) signatures(ctx context.Context, src oci.Source) error {
	refs, err := src.Referrers(ctx, v.b.Digest())
	if err != nil {
		return err
	}
	if len(refs) > maxReferrers { // looking at some would let the others hide
		v.refuse("signature", diag.Errorf("SEA005", "%d statements stand beside the bundle of %q (at most %d)", len(refs), v.r.Artifact, maxReferrers).
			Fix("clean up the referrers of %s in the registry, and find out who filled it", v.b.Digest()))
		return nil
	}
	var attested []Seen
	var valid []string
	for _, d := range refs {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch seen := v.statement(ctx, src, d); {
		case seen.Status != StatusValid:
		case seen.Role == RoleAttest:
			attested = append(attested, seen)
		default:
			valid = append(valid, seen.by())
		}
	}
	v.signed(valid)
	v.attestations(attested)
	return nil
}

// statement judges one referrer and notes it. What cannot be read proves
// nothing, so it is ignored as an unknown key is: a store that withholds a
// signature gains no more than one that never had it.
func (v *verification) statement(ctx context.Context, src oci.Source, d oci.Descriptor) Seen {
	seen := Seen{Status: StatusIgnored}
	if raw, err := fetchBundle(ctx, src, d); err != nil {
		seen.Reason = err.Error()
	} else {
		seen = v.t.judge(raw, v.b.Digest(), v.b.Record.Stream)
	}
	seen.Digest = d.Digest
	v.r.Seen = append(v.r.Seen, seen)
	switch seen.Status {
	case StatusRefused:
		v.refuse("signature", diag.Errorf(seen.code, "key %q signed something that it must not: %s", seen.KeyName, seen.Reason).
			Note("statement %s beside bundle %s", seen.Digest, v.b.Digest()).
			Fix("find out who used the key: it signs nothing else, so it may be in wrong hands"))
	case StatusIgnored:
		v.diags.Add(diag.Notef("SIG012", "statement %s was ignored: %s", seen.Digest.Short(), seen.Reason))
	}
	return seen
}

// by says who signed, for a reader.
func (s Seen) by() string {
	if s.Identity != "" {
		return fmt.Sprintf("%s (%s)", s.KeyName, s.Identity)
	}
	return fmt.Sprintf("%s (%s)", s.KeyName, s.Key.Short())
}

// malformed is the code of a statement that no tool of this role makes.
func malformed(r Role) string {
	if r == RoleAttest {
		return "SIG033"
	}
	return "SIG005"
}

// misuse is the code of a word that a key of this role must not say.
func misuse(r Role) string {
	if r == RoleAttest {
		return "SIG006"
	}
	return "SIG005"
}

func (v *verification) signed(valid []string) {
	slices.Sort(valid)
	valid = slices.Compact(valid) // repeats are fine (DESIGN §8)
	if len(valid) == 0 {
		v.refuse("signature", diag.Errorf("SIG004", "the bundle of %q has no valid signature by a trusted release key", v.r.Artifact).
			Note("%d statements were found beside manifest %s", len(v.r.Seen), v.b.Digest()).
			Fix("sign it with `darkstart release --key KEY`, or name the public key that signed it with --key, or in the trust policy"))
		return
	}
	v.fact("signature", StatusProven, "%s by %s", PredicateSign, strings.Join(valid, ", "))
}

// judge says what a Sigstore bundle is worth for this manifest, in this stream
// ("" is any).
func (t *Trust) judge(raw []byte, manifest digest.Digest, stream string) Seen {
	b, err := parseBundle(raw)
	if err != nil {
		return Seen{Status: StatusIgnored, Reason: fmt.Sprintf("not a Sigstore bundle: %v", err)}
	}
	var seen []Seen
	var why []string
	for _, k := range t.parties {
		w := k.who()
		payload, by, err := k.open(b)
		if err == nil && !w.counts(stream) {
			why = append(why, fmt.Sprintf("%s counts for %s, and this is of stream %s", w.name, strings.Join(w.streams, ", "), stream))
			continue
		}
		if err != nil {
			if by != "" {
				why = append(why, fmt.Sprintf("%s: %v", w.name, err))
			}
			continue
		}
		s := Seen{Status: StatusValid, Key: w.id, KeyName: w.name, Identity: by, Role: w.role}
		s.read(payload, w.role, manifest)
		seen = append(seen, s)
	}
	return settle(seen, why)
}

// settle picks what a signature is worth from what each trusted party it fits
// makes of it. A key fits one party; patterns of identities may overlap, and
// whoever fits both roles must not be trusted in either.
func settle(seen []Seen, why []string) Seen {
	if len(seen) == 0 {
		reason := "no trusted key or identity made its signature"
		if len(why) > 0 {
			reason += " (" + printable(strings.Join(why, "; ")) + ")"
		}
		return Seen{Status: StatusIgnored, Reason: reason}
	}
	first := seen[0]
	for _, s := range seen[1:] {
		if s.Role != first.Role {
			first.Status, first.code = StatusRefused, "SIG006"
			first.Reason = fmt.Sprintf("%s fits the identity %q, trusted to %s, and %q, trusted to %s", first.Identity, first.KeyName, first.Role, s.KeyName, s.Role)
			return first
		}
	}
	return first
}

// printable keeps what a stranger wrote from moving the reader's cursor.
func printable(s string) string {
	q := strconv.QuoteToGraphic(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// objection says what the key must not have signed, "" when all is well.
func objection(role Role, st *statement, manifest digest.Digest) string {
	switch {
	case role == RoleRelease && st.Type != statementType:
		return fmt.Sprintf("a release key signed a statement of type %q", st.Type)
	case role == RoleRelease && st.PredicateType != PredicateSign:
		return fmt.Sprintf("a release key signed the predicate %q", st.PredicateType)
	case role == RoleAttest && st.PredicateType == PredicateSign:
		return "an attestation key signed a release"
	case len(st.Subject) != 1 || len(st.Subject[0].Digest) != 1 || st.Subject[0].Digest["sha256"] != manifest.Hex():
		subject, _ := json.Marshal(st.Subject)
		return fmt.Sprintf("the statement is about %.200s, not about %s alone", subject, manifest)
	}
	return ""
}

// read judges what a trusted key signed. What is malformed is refused, not
// ignored: nobody who may use the key makes such a thing.
func (s *Seen) read(payload []byte, role Role, manifest digest.Digest) {
	refuse := func(code, format string, args ...any) {
		s.Status, s.code, s.Reason = StatusRefused, code, fmt.Sprintf(format, args...)
	}
	st, err := parseStatement(payload)
	if err != nil {
		refuse(malformed(role), "a malformed statement: %v", err)
		return
	}
	s.Predicate = st.PredicateType
	if reason := objection(role, st, manifest); reason != "" {
		refuse(misuse(role), "%s", reason)
		return
	}
	if role != RoleAttest {
		return
	}
	if s.Claim, err = attest.Read(st.PredicateType, st.Predicate); err != nil {
		refuse(malformed(role), "a malformed %s: %v", st.PredicateType, err)
	}
}

// fetchBundle returns the Sigstore bundle that a referrer carries.
func fetchBundle(ctx context.Context, src oci.Source, d oci.Descriptor) ([]byte, error) {
	b, err := src.Fetch(ctx, d, oci.MaxManifest)
	if err != nil {
		return nil, err
	}
	var m ociManifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	if len(m.Layers) != 1 || m.Layers[0].MediaType != MediaTypeSignature {
		return nil, fmt.Errorf("not a Sigstore bundle: artifact type %q", m.ArtifactType)
	}
	l := m.Layers[0]
	return src.Fetch(ctx, oci.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}, maxSignature)
}
