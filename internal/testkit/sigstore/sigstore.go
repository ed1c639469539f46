// Package sigstore is a Sigstore deployment for tests: servers on this machine that
// speak the protocols of Fulcio, Rekor v1 and RFC 3161, with keys of their own made
// by sigstore-go's virtual CA. It is not the servers' own code, and no public
// instance is asked.
package sigstore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/digitorus/timestamp"
	"github.com/go-openapi/runtime"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1" // a type of log entry
	rekorutil "github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore/pkg/signature"
)

// Deployment is one certificate authority, transparency log and timestamp
// authority.
type Deployment struct {
	// Fulcio, Rekor and TSA are the URLs that clients are given.
	Fulcio, Rekor, TSA string

	// What a hostile or careless service does.
	IssuedAt func() time.Time
	BadSCT   bool
	BadSET   bool
	BadProof bool
	Refuses  int // status of the certificate authority, 0 for none
	Fails    int // how often it answers 503 first

	t                       testing.TB
	root, intermediate, tca *x509.Certificate
	issuerKey, tsaKey       *ecdsa.PrivateKey
	rekorKey, ctKey         *ecdsa.PrivateKey
	tsaLeaf                 *x509.Certificate
}

// New starts the servers; they end with the test.
func New(t testing.TB) *Deployment {
	t.Helper()
	d := &Deployment{t: t, IssuedAt: time.Now}
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	rootCert, rootKey, err := ca.GenerateRootCa()
	must(err)
	d.root = rootCert
	d.intermediate, d.issuerKey, err = ca.GenerateFulcioIntermediate(rootCert, rootKey)
	must(err)
	var tcaKey *ecdsa.PrivateKey
	d.tca, tcaKey, err = ca.GenerateTSAIntermediate(rootCert, rootKey)
	must(err)
	for _, k := range []**ecdsa.PrivateKey{&d.tsaKey, &d.rekorKey, &d.ctKey} {
		*k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
	}
	d.tsaLeaf, err = ca.GenerateTSALeafCert(time.Now().Add(-time.Minute), d.tsaKey, d.tca, tcaKey)
	must(err)
	d.Fulcio = d.serve("POST /api/v2/signingCert", d.certify)
	d.Rekor = d.serve("POST /api/v1/log/entries", d.enter)
	d.TSA = d.serve("POST /api/v1/timestamp", d.stamp) + "/api/v1/timestamp"
	return d
}

func (d *Deployment) serve(pattern string, h func(w http.ResponseWriter, body []byte, r *http.Request) error) string {
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = h(w, body, r)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	s := httptest.NewServer(mux)
	d.t.Cleanup(s.Close)
	return s.URL
}

// TrustedRoot is the trusted_root.json that the deployment publishes about itself,
// without the parts named: "ct", "rekor", "tsa".
func (d *Deployment) TrustedRoot(without ...string) []byte {
	d.t.Helper()
	log := func(url string, k *ecdsa.PrivateKey, name string) map[string]*root.TransparencyLog {
		if strings.Contains(strings.Join(without, " "), name) {
			return nil
		}
		id := logID(k)
		return map[string]*root.TransparencyLog{hex.EncodeToString(id): {
			BaseURL: url, ID: id, ValidityPeriodStart: time.Now().Add(-time.Hour),
			HashFunc: crypto.SHA256, PublicKey: k.Public(), SignatureHashFunc: crypto.SHA256,
		}}
	}
	start := time.Now().Add(-5 * time.Hour)
	tsas := []root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{
		Root: d.root, Intermediates: []*x509.Certificate{d.tca}, Leaf: d.tsaLeaf, ValidityPeriodStart: start, URI: d.TSA,
	}}
	if strings.Contains(strings.Join(without, " "), "tsa") {
		tsas = nil
	}
	r, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{
			Root: d.root, Intermediates: []*x509.Certificate{d.intermediate}, ValidityPeriodStart: start, URI: d.Fulcio,
		}}, log("https://ct.localhost", d.ctKey, "ct"), tsas, log("https://rekor.localhost", d.rekorKey, "rekor"))
	if err != nil {
		d.t.Fatal(err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		d.t.Fatal(err)
	}
	return data
}

func logID(k *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		panic(err)
	}
	id := sha256.Sum256(der)
	return id[:]
}

// IDToken is an identity token as far as Fulcio's client reads one. The real
// server checks its signature; this one believes it.
func IDToken(subject, issuer string) string {
	part := func(v any) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	claims := map[string]any{"iss": issuer, "sub": subject, "email": subject, "email_verified": true, "aud": "sigstore"}
	return part(map[string]string{"alg": "none"}) + "." + part(claims) + ".c2ln"
}

// certify is Fulcio: it checks the proof of possession and issues a certificate
// with an embedded SCT.
func (d *Deployment) certify(w http.ResponseWriter, body []byte, r *http.Request) error {
	if d.Fails > 0 {
		d.Fails--
		w.WriteHeader(http.StatusServiceUnavailable)
		return nil
	}
	if d.Refuses != 0 {
		w.WriteHeader(d.Refuses)
		_, err := io.WriteString(w, "there was an error with "+r.Header.Get("Authorization"))
		return err
	}
	var req struct {
		PublicKeyRequest struct {
			PublicKey         struct{ Algorithm, Content string }
			ProofOfPossession []byte
		}
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return err
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(r.Header.Get("Authorization"), ".")[1])
	if err != nil {
		return err
	}
	var c struct{ Iss, Email string }
	if err := json.Unmarshal(claims, &c); err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(req.PublicKeyRequest.PublicKey.Content))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return err
	}
	v, err := signature.LoadVerifier(public, crypto.SHA256)
	if err != nil {
		return err
	}
	if err := v.VerifySignature(bytes.NewReader(req.PublicKeyRequest.ProofOfPossession), strings.NewReader(c.Email)); err != nil {
		return fmt.Errorf("proof of possession: %w", err)
	}
	der, err := d.issue(public, c.Email, c.Iss)
	if err != nil {
		return err
	}
	encode := func(b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b}))
	}
	return json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{
		"chain": map[string]any{"certificates": []string{encode(der), encode(d.intermediate.Raw), encode(d.root.Raw)}},
	}})
}

// issue makes the certificate twice: the log signs it without the SCT.
func (d *Deployment) issue(public crypto.PublicKey, subject, issuer string) ([]byte, error) {
	at := d.IssuedAt()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), EmailAddresses: []string{subject}, NotBefore: at, NotAfter: at.Add(10 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(issuer)}},
	}
	plain, err := x509.CreateCertificate(rand.Reader, template, d.intermediate, public, d.issuerKey)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(plain)
	if err != nil {
		return nil, err
	}
	sct, err := d.sct(parsed.RawTBSCertificate)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: sct})
	return x509.CreateCertificate(rand.Reader, template, d.intermediate, public, d.issuerKey)
}

// sct is a signed certificate timestamp as RFC 6962 writes it into a
// certificate.
func (d *Deployment) sct(tbs []byte) ([]byte, error) {
	ms := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli()))
	issuer := sha256.Sum256(d.intermediate.RawSubjectPublicKeyInfo)
	m := append([]byte{0, 0}, ms...)
	m = append(append(m, 0, 1), issuer[:]...)
	m = append(append(m, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs))), tbs...)
	m = append(m, 0, 0)
	if d.BadSCT {
		m[len(m)-3]++
	}
	h := sha256.Sum256(m)
	sig, err := ecdsa.SignASN1(rand.Reader, d.ctKey, h[:])
	if err != nil {
		return nil, err
	}
	s := append([]byte{0}, logID(d.ctKey)...)
	s = append(append(s, ms...), 0, 0, 4, 3)
	s = append(binary.BigEndian.AppendUint16(s, uint16(len(sig))), sig...)
	one := append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
	return asn1.Marshal(append(binary.BigEndian.AppendUint16(nil, uint16(len(one))), one...))
}

// enter is Rekor v1: it checks the entry as Rekor's own types do, and answers
// with a signed entry timestamp and a proof of inclusion.
func (d *Deployment) enter(w http.ResponseWriter, body []byte, r *http.Request) error {
	proposed, err := models.UnmarshalProposedEntry(bytes.NewReader(body), runtime.JSONConsumer())
	if err != nil {
		return err
	}
	entry, err := types.CreateVersionedEntry(proposed)
	if err != nil {
		return err
	}
	leaf, err := types.CanonicalizeEntry(r.Context(), entry)
	if err != nil {
		return err
	}
	id, at, index := hex.EncodeToString(logID(d.rekorKey)), time.Now().Unix(), int64(0)
	encoded := base64.StdEncoding.EncodeToString(leaf)
	payload, err := json.Marshal(map[string]any{"body": encoded, "integratedTime": at, "logID": id, "logIndex": index})
	if err != nil {
		return err
	}
	if payload, err = jsoncanonicalizer.Transform(payload); err != nil {
		return err
	}
	signer, err := signature.LoadECDSASignerVerifier(d.rekorKey, crypto.SHA256)
	if err != nil {
		return err
	}
	if d.BadSET {
		payload = append(payload, ' ')
	}
	set, err := signer.SignMessage(bytes.NewReader(payload))
	if err != nil {
		return err
	}
	hash := sha256.Sum256(append([]byte{0}, leaf...))
	if d.BadProof {
		hash[0]++
	}
	checkpoint, err := rekorutil.CreateAndSignCheckpoint(r.Context(), "rekor.localhost", 123, 1, hash[:], signer)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", id)
	w.Header().Set("Location", "/api/v1/log/entries/"+id)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	return json.NewEncoder(w).Encode(map[string]any{id: map[string]any{
		"body": encoded, "integratedTime": at, "logID": id, "logIndex": index,
		"verification": map[string]any{
			"signedEntryTimestamp": set,
			"inclusionProof": map[string]any{
				"checkpoint": string(checkpoint), "hashes": []string{}, "logIndex": index, "rootHash": hex.EncodeToString(hash[:]), "treeSize": 1,
			},
		},
	}})
}

// stamp is a timestamp authority (RFC 3161).
func (d *Deployment) stamp(w http.ResponseWriter, body []byte, _ *http.Request) error {
	req, err := timestamp.ParseRequest(body)
	if err != nil {
		return err
	}
	ts := timestamp.Timestamp{
		HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage, Time: time.Now(),
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, AddTSACertificate: req.Certificates,
	}
	out, err := ts.CreateResponseWithOpts(d.tsaLeaf, d.tsaKey, crypto.SHA256)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	_, err = w.Write(out)
	return err
}
