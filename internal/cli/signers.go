package cli

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// streamKey is a key that is named for one stream: STREAM=KEY. A file whose own
// name has such a beginning is written ./A=B.
var streamKey = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$`)

// keyFlags are the private keys of a release, each KEY or STREAM=KEY.
type keyFlags struct{ release, attest []string }

func (k *keyFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&k.release, "key", nil, "sign with this private `KEY`, or STREAM=KEY (repeatable): a file, env://NAME, or NAME://KEY through sigstore-kms-NAME (passphrase in COSIGN_PASSWORD)")
	f.StringArrayVar(&k.attest, "attest-key", nil, "state provenance, verdict and contents with this private `KEY`, or STREAM=KEY (repeatable); it is no release key (passphrase in DARKSTART_ATTEST_PASSWORD, else COSIGN_PASSWORD)")
}

// streamNames lists the streams of what was sealed, sorted.
func streamNames(builds []*build) []string {
	var out []string
	for _, b := range builds {
		for _, x := range b.sealed {
			out = append(out, x.Record.Stream)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// signers are the keys of a release, by the stream that each signs for.
type signers map[string]compiler.Signers

// of returns the keys of a stream.
func (s signers) of(stream string) compiler.Signers { return s[stream] }

// unsigned returns the streams that have no release key, sorted.
func (s signers) unsigned(streams []string) []string {
	return slices.DeleteFunc(slices.Clone(streams), func(x string) bool { return s[x].Release != nil })
}

// signing finds out who signs what, before anything is signed or written.
type signing struct {
	inv     *Invocation
	dir     string
	keys    keyFlags
	keyless *keylessFlags
	policy  *seal.Policy // nil where the repository has none
	streams []string     // with something to sign, sorted

	loaded map[string]*seal.Signer // by role and reference
	diags  diag.List
}

// signers loads the keys and gives each stream its own. Under a trust policy a
// key signs only what the policy trusts it for; without one a plain key signs
// for every stream. One key pair in both roles is refused.
func (g *signing) signers(ctx context.Context) (signers, diag.List, error) {
	g.loaded = map[string]*seal.Signer{}
	release, err := g.assign(ctx, seal.RoleRelease, "--key", g.keys.release)
	if err != nil {
		return nil, nil, err
	}
	if g.keyless.wanted() {
		if release, err = g.identity(ctx, seal.RoleRelease, "--identity-token", "--key", g.keys.release); err != nil {
			return nil, nil, err
		}
	}
	attest, err := g.assign(ctx, seal.RoleAttest, "--attest-key", g.keys.attest)
	if err != nil {
		return nil, nil, err
	}
	if g.keyless.attestToken != "" {
		if attest, err = g.identity(ctx, seal.RoleAttest, "--attest-identity-token", "--attest-key", g.keys.attest); err != nil {
			return nil, nil, err
		}
	}
	out := signers{}
	for _, s := range g.streams {
		if release[s] != nil || attest[s] != nil {
			out[s] = compiler.Signers{Release: release[s], Attest: attest[s]}
		}
	}
	g.oneRole()
	return out, g.diags.Sorted(), nil
}

// oneRole refuses a key pair that was loaded in both.
func (g *signing) oneRole() {
	var parties []seal.Trusted
	release := false
	for _, k := range slices.Sorted(maps.Keys(g.loaded)) {
		if s := g.loaded[k]; s != nil {
			parties, release = append(parties, s.Trusted()), release || s.Public().Role == seal.RoleRelease
		}
	}
	if release && !g.diags.HasErrors() {
		_, ds := seal.NewTrust(parties...)
		g.diags.Add(ds...)
	}
}

// identity is a signer without a key, for every stream.
func (g *signing) identity(ctx context.Context, role seal.Role, flag, other string, refs []string) (map[string]*seal.Signer, error) {
	if len(refs) > 0 {
		return nil, fmt.Errorf("%s and %s are two ways to sign: give one", other, flag)
	}
	if g.diags.HasErrors() {
		return nil, nil
	}
	s, ds, err := g.keyless.signer(ctx, g.inv, g.dir, role)
	if g.diags.Add(ds...); err != nil || s == nil {
		return nil, err
	}
	g.loaded[string(role)] = s
	return g.everywhere(flag, []*seal.Signer{s})
}

// assign gives streams the keys of one role.
func (g *signing) assign(ctx context.Context, role seal.Role, flag string, refs []string) (map[string]*seal.Signer, error) {
	named := map[string]string{}
	var plain []*seal.Signer
	for _, ref := range refs {
		m := streamKey.FindStringSubmatch(ref)
		if m == nil {
			s, err := g.load(ctx, role, "", ref)
			if err != nil {
				return nil, err
			}
			if s != nil && !slices.ContainsFunc(plain, func(x *seal.Signer) bool { return x.Public().ID == s.Public().ID }) {
				plain = append(plain, s)
			}
			continue
		}
		if !slices.Contains(g.streams, m[1]) {
			hint := ""
			if near := diag.Nearest(m[1], g.streams); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return nil, fmt.Errorf("%s %s: stream %q has nothing to sign here (have %v)%s", flag, ref, m[1], g.streams, hint)
		}
		if named[m[1]] != "" {
			return nil, fmt.Errorf("%s names two keys for stream %q: one signs", flag, m[1])
		}
		named[m[1]] = m[2]
	}
	if g.diags.HasErrors() {
		return nil, nil
	}
	out, err := g.everywhere(flag, plain)
	if err != nil {
		return nil, err
	}
	for _, stream := range slices.Sorted(maps.Keys(named)) {
		s, err := g.load(ctx, role, stream, named[stream])
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue
		}
		if g.policy != nil {
			g.diags.Add(g.policy.Permits(s, stream)...)
		}
		out[stream] = s
	}
	return out, nil
}

// everywhere gives every stream the one plain key that may sign for it. A key
// that may sign for none is refused: whoever named it meant it to sign.
func (g *signing) everywhere(flag string, plain []*seal.Signer) (map[string]*seal.Signer, error) {
	out := map[string]*seal.Signer{}
	for _, s := range plain {
		var refused diag.List
		used := false
		for _, stream := range g.streams {
			if g.policy != nil {
				if ds := g.policy.Permits(s, stream); len(ds) > 0 {
					refused = ds
					continue
				}
			}
			if out[stream] != nil {
				return nil, fmt.Errorf("%s names two keys for stream %q: say which signs for which stream, %s %s=KEY", flag, stream, flag, stream)
			}
			out[stream], used = s, true
		}
		if !used {
			g.diags.Add(refused...)
		}
	}
	return out, nil
}

// load reads a key once in each role.
func (g *signing) load(ctx context.Context, role seal.Role, stream, ref string) (*seal.Signer, error) {
	id := string(role) + " " + ref
	if s, ok := g.loaded[id]; ok {
		return s, nil
	}
	s, ds, err := seal.LoadSigner(ctx, under(g.dir, ref), role, keySource(g.inv), password(g.inv, role, stream, ref))
	if err != nil {
		return nil, err
	}
	g.diags.Add(ds...)
	g.loaded[id] = s
	return s, nil
}

// passwordVariables name what holds the passphrase of a key, most specific
// first; cosign's own comes last, so that one secret can serve for all.
func passwordVariables(role seal.Role, stream string) []string {
	mine := "DARKSTART_" + strings.ToUpper(string(role)) + "_PASSWORD"
	out := []string{mine, passwordVariable}
	if stream == "" {
		return out
	}
	return append([]string{mine + "_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(stream))}, out...)
}
