package seal

import (
	"slices"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/bundle"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Trusted is somebody whose word counts: a *PublicKey, or an *Identity that a
// certificate authority vouches for.
type Trusted interface {
	who() who
	// open returns the payload that the party signed. What the payload says is
	// not judged here. by is whom the signature names, as far as it names
	// anybody: a certificate does, a key does not.
	open(b *bundle.Bundle) (payload []byte, by string, err error)
}

// who describes a trusted party.
type who struct {
	name    string
	role    Role
	id      digest.Digest
	streams []string
}

func (k *PublicKey) who() who { return who{k.Name, k.Role, k.ID, k.Streams} }

func (k *PublicKey) open(b *bundle.Bundle) ([]byte, string, error) {
	payload, err := k.verifyWith(b)
	return payload, "", err
}

// Trust is the policy that a verification is made against: whose word counts
// for what. There is none without somebody who may sign a release, so nothing
// can be verified against nothing.
type Trust struct {
	parties []Trusted
	// artifacts lists, by stream, patterns of what belongs to it; nil leaves it
	// to the bundle to say which stream it is of.
	artifacts map[string][]string
}

// NewTrust refuses an empty policy and a party that has two roles.
func NewTrust(parties ...Trusted) (*Trust, diag.List) {
	var diags diag.List
	roles := map[digest.Digest]who{}
	release := false
	for _, p := range parties {
		w := p.who()
		if old, ok := roles[w.id]; ok && old.role != w.role {
			diags.Add(twoRoles(old, w))
		}
		roles[w.id] = w
		release = release || w.role == RoleRelease
	}
	if !release {
		diags.Add(diag.Errorf("SIG004", "the trust policy has no release key and no release identity, so nothing can be verified").
			Fix("name the public key that releases are signed with: `darkstart verify --key KEY.pub`").
			Fix("or write down whom you trust: `darkstart verify --trust trust.cue` (docs/verify.md)"))
	}
	if diags.HasErrors() {
		return nil, diags.Sorted()
	}
	return &Trust{parties: slices.Clone(parties)}, nil
}

func twoRoles(a, b who) *diag.Diagnostic {
	d := diag.Errorf("SIG006", "%q is trusted both to %s and to %s", b.name, a.role, b.role)
	if a.name != b.name {
		d = d.Note("%q and %q are the same, %s", a.name, b.name, b.id.Short())
	}
	return d.Fix("use one key pair, or one identity, for each role")
}

// Permits says whether what the signer would sign in its role, in a stream,
// counts under the policy. This is what binds a role to a key wherever it is
// kept: a service that signs knows nothing of roles.
func (t *Trust) Permits(s *Signer, stream string) diag.List {
	mine := s.Trusted().who()
	known, elsewhere := false, []string{}
	for _, p := range t.same(s) {
		w := p.who()
		if w.role != mine.role {
			return diag.List{diag.Errorf("SIG006", "%q is trusted to %s and cannot %s", mine.name, w.role, mine.role).
				Fix("sign with the key, or as the identity, that is trusted to %s", mine.role)}
		}
		if w.counts(stream) {
			known = true
		} else {
			elsewhere = append(elsewhere, w.streams...)
		}
	}
	if known {
		return nil
	}
	d := diag.Errorf("SIG056", "nobody trusts what %q signs to %s in stream %q", mine.name, mine.role, stream)
	if len(elsewhere) > 0 {
		d.Note("it is trusted in %s", strings.Join(elsewhere, ", "))
	}
	return diag.List{d.Fix("add it to the trust policy, or sign with a key that is in it")}
}

// same returns the parties that the signer is.
func (t *Trust) same(s *Signer) []Trusted {
	mine := s.Trusted().who()
	return slices.DeleteFunc(slices.Clone(t.parties), func(p Trusted) bool {
		if i, ok := p.(*Identity); ok && s.keyless != nil {
			return !i.covers(s.keyless.identity)
		}
		return p.who().id != mine.id
	})
}

// Parties returns the ids of those that the signer is taken for, as signatures
// that stand somewhere name them.
func (t *Trust) Parties(s *Signer) []digest.Digest {
	var out []digest.Digest
	for _, p := range t.same(s) {
		out = append(out, p.who().id)
	}
	return out
}

// counts reports whether the party may speak about a stream; "" is any.
func (w who) counts(stream string) bool {
	return len(w.streams) == 0 || stream == "" || slices.Contains(w.streams, stream)
}
