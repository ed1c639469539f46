package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Where signers and builders put what they say about an image.
const (
	// What a list says of a manifest without a type of its own, and so of those
	// of cosign 3, which writes it into the config.
	typeEmpty     = "application/vnd.oci.empty.v1+json"
	typeBundle    = "application/vnd.dev.sigstore.bundle"              // a prefix: a version follows; cosign 3, GitHub
	typeSignature = "application/vnd.dev.cosign.artifact.sig.v1+json"  // cosign 2 with OCI 1.1
	typeSimple    = "application/vnd.dev.cosign.simplesigning.v1+json" // a layer of a signature
	typeInToto    = "application/vnd.in-toto"                          // a prefix: +json, .provenance+dsse, …
	typeEnvelope  = "application/vnd.dsse.envelope"                    // a layer of cosign attest
	predicateSign = "https://sigstore.dev/cosign/sign/"                // what cosign 3 signs with
	predicateSLSA = "https://slsa.dev/provenance/"                     // a prefix: v0.2, v1
	buildkitKind  = "vnd.docker.reference.type"                        // in an index
	buildkitAbout = "vnd.docker.reference.digest"
)

// predicates are the annotations that name the type of a statement: of the
// manifests of sigstore bundles, of BuildKit, and of cosign attest.
var predicates = []string{"dev.sigstore.bundle.predicateType", "in-toto.io/predicate-type", "predicateType"}

// maxStatement bounds a statement that is read for its type, 4 MiB, and
// maxRead how many manifests of statements are read for one image: anybody who
// may push can attach any number.
const (
	maxStatement = 4 << 20
	maxRead      = 200
)

// evidence collects what a repository holds about one image.
type evidence struct {
	r            *Repository
	signed, slsa bool
	reads        int
}

func (e *evidence) name(found bool, name string) string {
	if found {
		return name
	}
	return "none"
}

// evidence looks in every place in turn, and asks no more when it knows.
func (r *Repository) evidence(ctx context.Context, d digest.Digest) (*evidence, error) {
	e := &evidence{r: r}
	_, image, err := r.read(ctx, string(d))
	if err != nil {
		return nil, err
	}
	for _, look := range []func(context.Context, digest.Digest) error{
		func(ctx context.Context, _ digest.Digest) error { return e.buildkit(ctx, image) },
		e.referrers, e.listed, e.legacySignature, e.legacyAttestation,
	} {
		if e.signed && e.slsa {
			break
		}
		if err := look(ctx, d); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// buildkit reads the attestations that stand in an index beside the images
// that they are about.
func (e *evidence) buildkit(ctx context.Context, index *manifest) error {
	for _, d := range index.Manifests {
		about := digest.Digest(d.Annotations[buildkitAbout])
		if d.Annotations[buildkitKind] != "attestation-manifest" ||
			!slices.ContainsFunc(index.Manifests, func(o Descriptor) bool { return o.Digest == about }) {
			continue
		}
		if err := e.manifest(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (e *evidence) referrers(ctx context.Context, d digest.Digest) error {
	list, err := e.r.Referrers(ctx, d)
	if err != nil {
		return err
	}
	return e.all(ctx, list)
}

// listed reads the fallback tag. The client has read it where there is no
// referrers API; where there is one, what was attached before it came is here.
func (e *evidence) listed(ctx context.Context, d digest.Digest) error {
	at, m, err := e.r.maybe(ctx, fallbackTag(d))
	if err != nil || at.Digest == d {
		return err
	}
	return e.all(ctx, m.Manifests)
}

func (e *evidence) all(ctx context.Context, list []Descriptor) error {
	for _, d := range list {
		switch {
		case d.ArtifactType == typeSignature:
			e.signed = true
		case strings.HasPrefix(d.ArtifactType, typeBundle) && predicate(d) != "":
			e.statement(predicate(d))
		case strings.HasPrefix(d.ArtifactType, typeBundle), strings.HasPrefix(d.ArtifactType, typeInToto),
			d.ArtifactType == "", d.ArtifactType == typeEmpty:
			if err := e.manifest(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *evidence) legacySignature(ctx context.Context, d digest.Digest) error {
	return e.tagged(ctx, fallbackTag(d)+".sig")
}

func (e *evidence) legacyAttestation(ctx context.Context, d digest.Digest) error {
	return e.tagged(ctx, fallbackTag(d)+".att")
}

func (e *evidence) tagged(ctx context.Context, tag string) error {
	_, m, err := e.r.maybe(ctx, tag)
	if err != nil {
		return err
	}
	return e.layers(ctx, m)
}

// manifest reads a manifest of statements. One that a list names and the
// repository does not have says nothing.
func (e *evidence) manifest(ctx context.Context, d Descriptor) error {
	if e.reads++; e.reads > maxRead {
		return fmt.Errorf("more than %d statements are attached to it", maxRead)
	}
	b, err := e.r.Fetch(ctx, d, MaxManifest)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil // no manifest, no statement
	}
	return e.layers(ctx, m)
}

func (e *evidence) layers(ctx context.Context, m *manifest) error {
	for _, l := range m.Layers {
		switch {
		case l.MediaType == typeSimple:
			e.signed = true
		case strings.HasPrefix(l.MediaType, typeBundle), strings.HasPrefix(l.MediaType, typeInToto), strings.HasPrefix(l.MediaType, typeEnvelope):
			p := predicate(l)
			if p == "" {
				var err error
				if p, err = e.read(ctx, l); err != nil {
					return err
				}
			}
			e.statement(p)
		}
	}
	return nil
}

func (e *evidence) statement(predicate string) {
	e.signed = e.signed || strings.HasPrefix(predicate, predicateSign)
	e.slsa = e.slsa || strings.HasPrefix(predicate, predicateSLSA)
}

func predicate(d Descriptor) string {
	for _, k := range predicates {
		if p := d.Annotations[k]; p != "" {
			return p
		}
	}
	return ""
}

// envelope is what is read of a statement, a DSSE envelope, or a sigstore
// bundle around either.
type envelope struct {
	PredicateType    string          `json:"predicateType"`
	Payload          []byte          `json:"payload"`
	DSSE             *envelope       `json:"dsseEnvelope"`
	MessageSignature json.RawMessage `json:"messageSignature"`
}

// read returns the type of a statement, "" where there is none to be read.
// A bundle around the signature of a message is a signature of the image.
func (e *evidence) read(ctx context.Context, d Descriptor) (string, error) {
	b, err := e.r.Fetch(ctx, d, maxStatement)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var v envelope
	for range 3 { // a bundle, its envelope, the statement
		if json.Unmarshal(b, &v) != nil {
			return "", nil
		}
		if v.DSSE != nil {
			v = *v.DSSE
		}
		switch {
		case v.PredicateType != "":
			return v.PredicateType, nil
		case len(v.MessageSignature) > 0:
			return predicateSign, nil
		case len(v.Payload) == 0:
			return "", nil
		}
		b, v = v.Payload, envelope{}
	}
	return "", nil
}
