package seal

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Role says what a key may sign (DESIGN §8). One key never has both.
type Role string

const (
	// RoleRelease signs that a bundle is a release, after a clean check, and
	// nothing else.
	RoleRelease Role = "release"
	// RoleAttest signs statements about a bundle: provenance, verdicts, drills.
	RoleAttest Role = "attest"
)

// Algorithm of a key pair.
type Algorithm string

// The algorithms that cosign, Flux and Darkstart all verify.
const (
	ECDSAP256 Algorithm = "ecdsa-p256"
	Ed25519   Algorithm = "ed25519"
)

// Password returns the password of a private key; the empty one is allowed, as
// it is in cosign. It is called only when a key is read or written.
type Password func() ([]byte, error)

const (
	pemPrivate       = "ENCRYPTED SIGSTORE PRIVATE KEY"
	pemPrivateCosign = "ENCRYPTED COSIGN PRIVATE KEY" // before cosign 2
	pemPublic        = "PUBLIC KEY"
)

// KeyPair is what GenerateKeyPair makes and cosign reads: PEM files.
type KeyPair struct {
	Private []byte // cosign.key: PKCS #8, encrypted with scrypt and NaCl secretbox
	Public  []byte // cosign.pub: PKIX
}

// GenerateKeyPair makes a new key pair in the format of `cosign
// generate-key-pair`.
func GenerateKeyPair(a Algorithm, password Password) (*KeyPair, error) {
	private, err := generate(a)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	pass, err := password()
	if err != nil {
		return nil, err
	}
	box, err := encrypted.Encrypt(der, pass)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	return &KeyPair{
		Private: pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: box}),
		Public:  pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: public}),
	}, nil
}

// roleHeader notes in the file of a private key what it was made for. It is
// not signed and not secret: it catches mistakes. What binds is the trust
// policy, which knows every key, wherever it is kept, in one role.
const roleHeader = "Darkstart-Role"

// For notes the role of the pair in its private half.
func (p *KeyPair) For(r Role) *KeyPair {
	block, _ := pem.Decode(p.Private)
	block.Headers = map[string]string{roleHeader: string(r)}
	return &KeyPair{Private: pem.EncodeToMemory(block), Public: p.Public}
}

func generate(a Algorithm) (crypto.Signer, error) {
	switch a {
	case ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case Ed25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("unknown key algorithm %q (want %s or %s)", a, ECDSAP256, Ed25519)
}

// PublicKey is a key that signatures are checked with.
type PublicKey struct {
	Name string        // where it came from, for messages
	Role Role          // what its signatures may say
	ID   digest.Digest // of the PKIX encoding
	// Streams limits the key to some streams; empty means all.
	Streams  []string
	der      []byte
	verifier signature.Verifier
}

// Signer is a private key ready to sign.
type Signer struct {
	public  *PublicKey
	signer  signature.SignerVerifier
	keyless *keyless // nil for a key that is kept
}

// Public returns the key that verifies what the signer signs.
func (s *Signer) Public() *PublicKey { return s.public }

// Trusted returns whom to trust for what the signer signs: its public key, or
// the identity that its certificates name.
func (s *Signer) Trusted() Trusted {
	if s.keyless != nil {
		return s.keyless.identity
	}
	return s.public
}

// ID names whom Trusted returns: the same for every signature, also where each is
// made by a key of its own.
func (s *Signer) ID() digest.Digest { return s.Trusted().who().id }

// Identity is whom the certificates of a signer without a key name, and who
// vouches for it; "" for a signer with a key, and for none.
func (s *Signer) Identity() (subject, issuer string) {
	if s == nil || s.keyless == nil {
		return "", ""
	}
	return s.keyless.identity.c.Subject, s.keyless.identity.c.Issuer
}

// PEM returns the public key as cosign and Flux read it.
func (k *PublicKey) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: k.der})
}

// KeySource reads what a key reference names, so that neither files nor
// environment are reached from below the command line.
type KeySource struct {
	ReadFile func(name string) ([]byte, error)
	Getenv   func(name string) string
	// Mode returns the permissions of a file; nil: nobody asks.
	Mode func(name string) (fs.FileMode, error)
	// Remote allows keys that a service keeps: asking one uses the network, and
	// runs a program found on PATH.
	Remote bool
}

// read returns the bytes of a file, or of an environment variable for
// env://NAME.
func (s KeySource) read(ref string) ([]byte, *diag.Diagnostic) {
	unreadable := func(format string, args ...any) *diag.Diagnostic {
		return diag.Errorf("SIG001", "key %q cannot be read: %s", ref, fmt.Sprintf(format, args...))
	}
	if name, ok := strings.CutPrefix(ref, "env://"); ok {
		v := ""
		if s.Getenv != nil {
			v = s.Getenv(name)
		}
		if v == "" {
			return nil, unreadable("the environment variable %s is empty", name).Fix("set %s to the PEM text of the key", name)
		}
		return []byte(v), nil
	}
	b, err := s.ReadFile(ref)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unreadable("there is no such file").Fix("make a key pair with `darkstart keys generate`, or `cosign generate-key-pair`")
	}
	if err != nil {
		return nil, unreadable("%v", err).Fix("make the file readable for this user")
	}
	return b, nil
}

// LoadSigner reads an encrypted private key: a file name, or env://NAME. A nil
// signer comes with the diagnostic that says why; an error is the password
// function's own.
func LoadSigner(ctx context.Context, ref string, role Role, src KeySource, password Password) (*Signer, diag.List, error) {
	if remote(ref) {
		s, d := loadRemote(ctx, ref, role, src)
		if d != nil {
			return nil, diag.List{d}, nil
		}
		return s, nil, nil
	}
	b, d := src.read(ref)
	if d != nil {
		return nil, diag.List{d}, nil
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != pemPrivate && block.Type != pemPrivateCosign {
		return nil, diag.List{notAKey(ref, block, "an encrypted private key", pemPrivate)}, nil
	}
	if made := Role(block.Headers[roleHeader]); made != "" && made != role {
		return nil, diag.List{diag.Errorf("SIG006", "key %q was made to %s, not to %s", ref, made, role).
			Fix("make a key pair for this: `darkstart keys generate --role %s`", role)}, nil
	}
	pass, err := password()
	if err != nil {
		return nil, nil, err
	}
	der, err := encrypted.Decrypt(block.Bytes, pass)
	if err != nil {
		return nil, diag.List{diag.Errorf("SIG002", "key %q cannot be decrypted: wrong password, or a damaged file", ref).
			Fix("set COSIGN_PASSWORD, or DARKSTART_%s_PASSWORD for keys of this role alone, to the password that the key was made with", strings.ToUpper(string(role)))}, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, diag.List{diag.Errorf("SIG001", "key %q cannot be read: %v", ref, err).Fix("restore the key file from its escrow")}, nil
	}
	private, ok := key.(crypto.Signer)
	if !ok {
		return nil, diag.List{wrongType(ref, key)}, nil
	}
	s, d := newSigner(ref, role, private)
	if d != nil {
		return nil, diag.List{d}, nil
	}
	return s, src.exposed(ref), nil
}

// exposed warns of a private key that others may read.
func (s KeySource) exposed(ref string) diag.List {
	if s.Mode == nil || strings.HasPrefix(ref, "env://") {
		return nil
	}
	mode, err := s.Mode(ref)
	if err != nil || mode.Perm()&0o077 == 0 {
		return nil
	}
	return diag.List{diag.Warningf("SIG055", "others can read the private key %q: its mode is %04o", ref, mode.Perm()).
		Fix("`chmod 600 %s`", ref)}
}

func newSigner(name string, role Role, private crypto.Signer) (*Signer, *diag.Diagnostic) {
	public, d := newPublicKey(name, role, private.Public())
	if d != nil {
		return nil, d
	}
	signer, err := signature.LoadDefaultSignerVerifier(private)
	if err != nil {
		return nil, wrongType(name, private).Note("%v", err)
	}
	return &Signer{public: public, signer: signer}, nil
}

// LoadPublicKey reads a public key: a file name, or env://NAME.
func LoadPublicKey(ref string, role Role, src KeySource) (*PublicKey, diag.List) {
	if remote(ref) { // a verification asks nobody
		return nil, diag.List{diag.Errorf("SIG053", "key %q is kept by a service; public keys are files", ref).
			Fix("export it once: `darkstart keys export --key %s > %s.pub`", ref, role)}
	}
	b, d := src.read(ref)
	if d != nil {
		return nil, diag.List{d}
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != pemPublic || strings.TrimSpace(string(rest)) != "" {
		return nil, diag.List{notAKey(ref, block, "one public key", pemPublic)}
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, diag.List{diag.Errorf("SIG001", "key %q cannot be read: %v", ref, err).Fix("export the public key again: `cosign public-key --key KEY`")}
	}
	k, d := newPublicKey(ref, role, key)
	if d != nil {
		return nil, diag.List{d}
	}
	return k, nil
}

func newPublicKey(name string, role Role, key crypto.PublicKey) (*PublicKey, *diag.Diagnostic) {
	if ec, ok := key.(*ecdsa.PublicKey); ok && ec.Curve != elliptic.P256() {
		return nil, wrongType(name, key).Note("its curve is %s", ec.Curve.Params().Name)
	}
	switch key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey:
	default:
		return nil, wrongType(name, key)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, wrongType(name, key).Note("%v", err)
	}
	v, err := signature.LoadDefaultVerifier(key)
	if err != nil {
		return nil, wrongType(name, key).Note("%v", err)
	}
	return &PublicKey{Name: name, Role: role, ID: digest.Of(der), der: der, verifier: v}, nil
}

func notAKey(ref string, block *pem.Block, want, label string) *diag.Diagnostic {
	found := "no PEM text"
	if block != nil {
		found = fmt.Sprintf("%q", block.Type)
	}
	d := diag.Errorf("SIG001", "key %q cannot be read: it holds %s, not %s", ref, found, want).
		Note("expected one PEM block labelled %q", label)
	if block != nil && slices.Contains([]string{"PRIVATE KEY", "EC PRIVATE KEY"}, block.Type) {
		return d.Fix("private keys are kept encrypted: `cosign import-key-pair --key FILE` converts this one")
	}
	return d.Fix("name the other half of the key pair, or make one with `darkstart keys generate`")
}

func wrongType(ref string, key any) *diag.Diagnostic {
	return diag.Errorf("SIG003", "key %q is a %T, which is not supported", ref, key).
		Fix("use ECDSA on the curve P-256, or Ed25519")
}
