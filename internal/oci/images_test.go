package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

const (
	slsa = "https://slsa.dev/provenance/v1"
	sbom = "https://spdx.dev/Document"
)

// statement is the bytes of an in-toto statement.
func statement(predicate string) []byte {
	return encode(map[string]any{"_type": "https://in-toto.io/Statement/v1", "predicateType": predicate})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// layered makes a manifest with one layer of any type and annotations.
func layered(mediaType string, layer []byte, annotations map[string]string) (manifest map[string]any, blobs [][]byte) {
	return map[string]any{
		"schemaVersion": 2, "mediaType": MediaTypeManifest,
		"config": Descriptor{Digest: digest.Of(empty), MediaType: "application/vnd.oci.empty.v1+json", Size: 2},
		"layers": []any{Descriptor{Digest: digest.Of(layer), MediaType: mediaType, Size: int64(len(layer)), Annotations: annotations}},
	}, [][]byte{empty, layer}
}

// shelf is a registry's repository that a test fills.
type shelf struct {
	t    *testing.T
	repo *Repository
	name string
}

func newShelf(t *testing.T, api bool) *shelf {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(api)))
	t.Cleanup(s.Close)
	name := strings.TrimPrefix(s.URL, "http://") + "/team/app"
	r, err := OpenRepository(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &shelf{t, r, name}
}

// push stores a manifest with its blobs, and a tag unless it is "".
func (s *shelf) push(tag string, m map[string]any, blobs [][]byte) Descriptor {
	s.t.Helper()
	b := encode(m)
	d := Descriptor{Digest: digest.Of(b), MediaType: m["mediaType"].(string), Size: int64(len(b))}
	for _, x := range blobs {
		if err := s.repo.r.Blobs().Push(s.t.Context(), toSpec(Descriptor{Digest: digest.Of(x), MediaType: "application/octet-stream", Size: int64(len(x))}), bytes.NewReader(x)); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.repo.r.PushReference(s.t.Context(), toSpec(d), bytes.NewReader(b), tag); tag != "" && err != nil {
		s.t.Fatal(err)
	} else if tag == "" {
		if err := s.repo.r.Push(s.t.Context(), toSpec(d), bytes.NewReader(b)); err != nil {
			s.t.Fatal(err)
		}
	}
	return d
}

// attach pushes a statement about d, as clients do: with a subject.
func (s *shelf) attach(d Descriptor, artifactType, mediaType string, layer []byte, annotations, onLayer map[string]string) {
	m, blobs := layered(mediaType, layer, onLayer)
	m["subject"], m["artifactType"] = d, artifactType
	if annotations != nil {
		m["annotations"] = annotations
	}
	s.push("", m, blobs)
}

// TestEvidence guards SC006's input: what signers and builders attach is found
// wherever they put it, and what is something else is not taken for it.
func TestEvidence(t *testing.T) {
	bundle := "application/vnd.dev.sigstore.bundle.v0.3+json"
	inBundle := func(predicate string) []byte {
		return encode(map[string]any{"dsseEnvelope": map[string]any{"payload": statement(predicate)}})
	}
	tag := func(d Descriptor, suffix string) string { return fallbackTag(d.Digest) + suffix }
	for _, c := range []struct {
		name, signed, provenance string
		put                      func(*shelf, Descriptor)
	}{
		{"nothing", "none", "none", func(*shelf, Descriptor) {}},
		{"cosign 3", "cosign", "none", func(s *shelf, d Descriptor) {
			s.attach(d, bundle, bundle, inBundle("https://sigstore.dev/cosign/sign/v1"), nil, nil)
		}},
		{"cosign 3, by its annotation", "cosign", "none", func(s *shelf, d Descriptor) {
			s.attach(d, bundle, bundle, []byte("{}"), map[string]string{"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"}, nil)
		}},
		{"a message signature in a bundle", "cosign", "none", func(s *shelf, d Descriptor) {
			s.attach(d, bundle, bundle, []byte(`{"messageSignature":{}}`), nil, nil)
		}},
		{"GitHub's attestation", "none", "slsa", func(s *shelf, d Descriptor) { s.attach(d, bundle, bundle, inBundle(slsa), nil, nil) }},
		{"a signed SBOM is neither", "none", "none", func(s *shelf, d Descriptor) { s.attach(d, bundle, bundle, inBundle(sbom), nil, nil) }},
		{"cosign 2 with OCI 1.1", "cosign", "none", func(s *shelf, d Descriptor) {
			s.attach(d, typeSignature, typeSimple, []byte("{}"), nil, nil)
		}},
		{"a tag .sig", "cosign", "none", func(s *shelf, d Descriptor) {
			m, b := layered(typeSimple, []byte("{}"), nil)
			s.push(tag(d, ".sig"), m, b)
		}},
		{"a tag .sig without a signature", "none", "none", func(s *shelf, d Descriptor) {
			m, b := layered("application/octet-stream", []byte("{}"), nil)
			s.push(tag(d, ".sig"), m, b)
		}},
		{"a tag .att", "none", "slsa", func(s *shelf, d Descriptor) {
			m, b := layered("application/vnd.dsse.envelope.v1+json", []byte("{}"), map[string]string{"predicateType": slsa})
			s.push(tag(d, ".att"), m, b)
		}},
		{"a tag .att, by its envelope", "none", "slsa", func(s *shelf, d Descriptor) {
			m, b := layered("application/vnd.dsse.envelope.v1+json", encode(map[string]any{"payload": statement(slsa)}), nil)
			s.push(tag(d, ".att"), m, b)
		}},
		{"a tag .att of an SBOM", "none", "none", func(s *shelf, d Descriptor) {
			m, b := layered("application/vnd.dsse.envelope.v1+json", []byte("{}"), map[string]string{"predicateType": sbom})
			s.push(tag(d, ".att"), m, b)
		}},
		{"in-toto as a referrer", "none", "slsa", func(s *shelf, d Descriptor) {
			s.attach(d, "application/vnd.in-toto+json", "application/vnd.in-toto+json", statement(slsa), nil, nil)
		}},
		{"both", "cosign", "slsa", func(s *shelf, d Descriptor) {
			s.attach(d, bundle, bundle, inBundle("https://sigstore.dev/cosign/sign/v1"), nil, nil)
			s.attach(d, bundle, bundle, inBundle(slsa), nil, nil)
		}},
		{"a statement that is no JSON", "none", "none", func(s *shelf, d Descriptor) { s.attach(d, bundle, bundle, []byte("{"), nil, nil) }},
	} {
		for _, api := range []bool{true, false} {
			s := newShelf(t, api)
			m, blobs := layered("application/octet-stream", []byte("image"), nil)
			d := s.push("1", m, blobs)
			c.put(s, d)
			i := NewImages(RegistryConfig{})
			signed, provenance, err := i.Evidence(t.Context(), s.name, d.Digest)
			if err != nil || signed != c.signed || provenance != c.provenance {
				t.Errorf("%s, referrers API %v: signed %q, provenance %q, %v", c.name, api, signed, provenance, err)
			}
		}
	}
}

// TestBuildKit guards that provenance inside an index is found, that an
// attestation about something else is not, and that the index is what is
// resolved.
func TestBuildKit(t *testing.T) {
	for predicate, want := range map[string]string{slsa: "slsa", "https://slsa.dev/provenance/v0.2": "slsa", sbom: "none"} {
		for _, stranger := range []bool{false, true} {
			s := newShelf(t, true)
			m, blobs := layered("application/octet-stream", []byte("image"), nil)
			image := s.push("", m, blobs)
			m, blobs = layered("application/vnd.in-toto+json", statement(predicate), map[string]string{"in-toto.io/predicate-type": predicate})
			att := s.push("", m, blobs)
			about := string(image.Digest)
			if stranger {
				about = string(digest.Of([]byte("another")))
			}
			att.Annotations = map[string]string{buildkitKind: "attestation-manifest", buildkitAbout: about}
			index := s.push("1", map[string]any{"schemaVersion": 2, "mediaType": MediaTypeIndex, "manifests": []any{image, att}}, nil)
			i := NewImages(RegistryConfig{})
			if d, err := i.Resolve(t.Context(), s.name, "1"); err != nil || d != index.Digest {
				t.Errorf("resolved %s %v, not the index", d, err)
			}
			expect := want
			if stranger {
				expect = "none"
			}
			if _, got, err := i.Evidence(t.Context(), s.name, index.Digest); err != nil || got != expect {
				t.Errorf("%s, of a stranger %v: %q %v", predicate, stranger, got, err)
			}
		}
	}
}

// TestStockCosignIsFound guards that what stock cosign signs is recorded, in
// its new form and in its old, with and without the referrers API.
func TestStockCosignIsFound(t *testing.T) {
	bin, dir := tools.Path(t, tools.Cosign), t.TempDir()
	cosign := func(args ...string) {
		t.Helper()
		cmd := exec.Command(bin, args...)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + dir, "TUF_ROOT=" + filepath.Join(dir, "tuf"), "COSIGN_PASSWORD=correct horse", "PATH=" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cosign %v: %v\n%s", args, err, out)
		}
	}
	cosign("generate-key-pair")
	if err := os.WriteFile(filepath.Join(dir, "predicate.json"), []byte(`{"buildDefinition":{"buildType":"https://example.com/t","externalParameters":{}},"runDetails":{"builder":{"id":"https://example.com/b"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	offline := []string{"--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry", "--allow-insecure-registry", "--key", "cosign.key", "--yes"}
	for _, api := range []bool{true, false} {
		for _, form := range []string{"--new-bundle-format=true", "--new-bundle-format=false"} {
			s := newShelf(t, api)
			m, blobs := layered("application/octet-stream", []byte("image"), nil)
			m["config"] = Descriptor{Digest: digest.Of(empty), MediaType: "application/vnd.oci.image.config.v1+json", Size: 2}
			d := s.push("1", m, blobs)
			ref := s.name + "@" + string(d.Digest)
			look := func(signed, provenance string) {
				t.Helper()
				a, b, err := NewImages(RegistryConfig{}).Evidence(t.Context(), s.name, d.Digest)
				if err != nil || a != signed || b != provenance {
					t.Errorf("referrers API %v, %s: signed %q, provenance %q, %v; want %q, %q", api, form, a, b, err, signed, provenance)
				}
			}
			look("none", "none")
			cosign(append(append([]string{"sign", form}, offline...), ref)...)
			look("cosign", "none")
			cosign(append(append([]string{"attest", form, "--type", "slsaprovenance1", "--predicate", "predicate.json"}, offline...), ref)...)
			look("cosign", "slsa")
		}
	}
}

// TestFailures guards that each way in which a registry does not answer has its
// reason, and that only what may pass is tried again.
func TestFailures(t *testing.T) {
	var asked atomic.Int32
	var status atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if status.Load() == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		}
		w.WriteHeader(int(status.Load()))
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	client := retryingClient(http.DefaultTransport, time.Millisecond)
	fails := func(repository, reason string) {
		t.Helper()
		asked.Store(0)
		_, err := NewImages(RegistryConfig{Client: client}).Resolve(t.Context(), repository, "1")
		var f *Failure
		if !errors.As(err, &f) || !strings.Contains(f.Reason, reason) || f.Help() == "" {
			t.Errorf("%s: %v, want %q", repository, err, reason)
		}
	}
	for code, want := range map[int]struct {
		reason string
		asked  int32
	}{
		401: {"asks for a login, and there is none (401)", 1},
		403: {"may not read it (403)", 1},
		404: {"does not have it (404)", 1},
		429: {"too many requests (429), also after 5 retries", 6},
		503: {"answered 503 Service Unavailable, also after 5 retries", 6},
	} {
		status.Store(int32(code))
		fails(host+"/a", want.reason)
		if n := asked.Load(); n != want.asked {
			t.Errorf("%d: asked %d times, want %d", code, n, want.asked)
		}
	}
	s.Close()
	fails(host+"/a", "the connection was refused")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewImages(RegistryConfig{Client: client}).Resolve(cancelled, host+"/a", "1"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestNothingInTheClear guards that credentials and manifests never cross
// a network without TLS, whoever asks for it.
func TestNothingInTheClear(t *testing.T) {
	s := httptest.NewServer(http.RedirectHandler("http://registry.example/v2/", http.StatusFound))
	defer s.Close()
	r, err := RetryingClient().Get(s.URL)
	if err == nil {
		r.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "plain HTTP to registry.example") {
		t.Errorf("a redirect to plain HTTP: %v", err)
	}
}

// TestOtherBytes guards that a manifest is held to the digest it is asked by.
func TestOtherBytes(t *testing.T) {
	good := []byte(`{"schemaVersion":2}`)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", MediaTypeManifest)
		w.Header().Set("Docker-Content-Digest", string(digest.Of(good)))
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Length", "19")
			return
		}
		w.Write([]byte(`{"schemaVersion":3}`))
	}))
	defer s.Close()
	_, _, err := NewImages(RegistryConfig{}).Evidence(t.Context(), strings.TrimPrefix(s.URL, "http://")+"/a", digest.Of(good))
	var f *Failure
	if !errors.As(err, &f) || !strings.Contains(f.Reason, "other bytes than its digest names") {
		t.Errorf("%v", err)
	}
}

// TestDockerCredentials guards that the login of Docker's file is used, for its
// host alone.
func TestDockerCredentials(t *testing.T) {
	var host string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "ci" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", MediaTypeManifest)
		w.Header().Set("Docker-Content-Digest", string(digest.Of(empty)))
		w.Header().Set("Content-Length", "2")
	}))
	defer s.Close()
	host = strings.TrimPrefix(s.URL, "http://")
	file := filepath.Join(t.TempDir(), "config.json")
	for login, works := range map[string]bool{host: true, "other.example": false} {
		if err := os.WriteFile(file, encode(map[string]any{"auths": map[string]any{login: map[string]any{"auth": []byte("ci:s3cret")}}}), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := DockerCredentials(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewImages(RegistryConfig{Credentials: c}).Resolve(t.Context(), host+"/a", "1")
		if (err == nil) != works {
			t.Errorf("a login for %s: %v", login, err)
		}
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := DockerCredentials(file); err == nil {
		t.Error("a file that is no JSON was taken")
	}
}
