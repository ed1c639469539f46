package attest

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// BuildType names how a bundle is made from what stands in a provenance; its
// page is docs/attestations.md.
const BuildType = "https://darkstart.dev/buildtypes/release/v1"

// Inputs are what a bundle was compiled from.
type Inputs struct {
	Revision ir.Revision
	// Source is the URI of the repository, "" when the fleet does not say.
	Source string
	// Schemas and Kubernetes are the directory hashes of the schemas inside the
	// compiler; Policies covers every guardrail that judged.
	Schemas, Kubernetes string
	Policies            digest.Digest
	// Lock holds the entries of darkstart.lock that the bundle relies on.
	Lock *ir.Lock
}

type provenance struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string         `json:"buildType"`
	ExternalParameters   map[string]any `json:"externalParameters"`
	ResolvedDependencies []Resource     `json:"resolvedDependencies"`
}

type runDetails struct {
	Builder  builder  `json:"builder"`
	Metadata metadata `json:"metadata"`
}

type builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version"`
}

type metadata struct {
	InvocationID string `json:"invocationId"`
}

// Resource is in-toto's ResourceDescriptor, as far as it is used.
type Resource struct {
	Annotations map[string]string `json:"annotations,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
}

// NewProvenance says what a bundle was compiled from. The external parameters
// are the release record and now: with the resolved commit, they are all that
// another run needs to make the same bytes.
func NewProvenance(b Bundle, in Inputs, r Run) (*Predicate, error) {
	parameters, err := recordFields(b.Record)
	if err != nil {
		return nil, err
	}
	if r.Now != "" {
		parameters["now"] = r.Now
	}
	return newPredicate(Provenance, provenance{
		BuildDefinition: buildDefinition{
			BuildType: BuildType, ExternalParameters: parameters,
			ResolvedDependencies: dependencies(in, r),
		},
		RunDetails: runDetails{
			Builder:  builder{ID: cmp.Or(r.Builder, UnnamedBuilder), Version: map[string]string{"darkstart": r.Compiler}},
			Metadata: metadata{InvocationID: invocation(b.Record)},
		},
	})
}

// recordFields is a release record as the JSON object that the bundle holds.
func recordFields(r ir.Record) (map[string]any, error) {
	b, err := encode(r)
	if err != nil {
		return nil, err
	}
	return object(b)
}

// invocation names the release, so that a person finds its run in a log.
func invocation(r ir.Record) string { return r.Stream + "/" + r.Artifact + "/" + serial(r) }

func dependencies(in Inputs, r Run) []Resource {
	out := []Resource{source(in)}
	if in.Revision.Tree != "" {
		out = append(out, Resource{Name: "fleet", Digest: map[string]string{"gitTree": in.Revision.Tree}})
	}
	out = append(out,
		compiler(r),
		Resource{Name: "policies", URI: PolicyURI, Digest: digestSet(in.Policies)},
		Resource{Name: "schemas", Digest: map[string]string{"dirHash": in.Schemas}},
		Resource{Name: "kubernetes-schemas", Digest: map[string]string{"dirHash": in.Kubernetes}},
	)
	if in.Lock == nil {
		return out
	}
	for _, ref := range slices.Sorted(maps.Keys(in.Lock.Images)) {
		e := in.Lock.Images[ref]
		out = append(out, locked(ref, ImageURL(ref, e.Digest), e))
	}
	for _, ref := range slices.Sorted(maps.Keys(in.Lock.Charts)) {
		out = append(out, locked(ref, "", in.Lock.Charts[ref]))
	}
	for _, ref := range slices.Sorted(maps.Keys(in.Lock.Other)) {
		out = append(out, locked(ref, "", in.Lock.Other[ref]))
	}
	return out
}

func compiler(r Run) Resource {
	c := Resource{Name: "compiler", URI: "pkg:golang/github.com/darkstart-dev/darkstart@v" + r.Compiler}
	if r.CompilerCommit != "" {
		c.Digest = map[string]string{"gitCommit": r.CompilerCommit}
	}
	return c
}

func source(in Inputs) Resource {
	r := Resource{Name: "source", Digest: map[string]string{"gitCommit": in.Revision.Commit}}
	if in.Source != "" {
		r.URI = in.Source + "@" + in.Revision.Commit
	}
	return r
}

// locked is one entry of the lock, with what the registry said about it.
func locked(name, uri string, e ir.LockEntry) Resource {
	r := Resource{Name: name, URI: uri, Digest: digestSet(e.Digest)}
	for key, v := range map[string]string{"signed": e.Signed, "provenance": e.Provenance} {
		if v == "" {
			continue
		}
		if r.Annotations == nil {
			r.Annotations = map[string]string{}
		}
		r.Annotations[key] = v
	}
	return r
}

func digestSet(d digest.Digest) map[string]string { return map[string]string{"sha256": d.Hex()} }

// ImageURL is the package URL of an image: pkg:oci/NAME@DIGEST, with the
// repository and the tag as qualifiers. Without a digest it has no version.
func ImageURL(ref string, d digest.Digest) string {
	r := ir.ParseReference(ref)
	name := r.Repository[strings.LastIndexByte(r.Repository, '/')+1:]
	out := "pkg:oci/" + url.QueryEscape(strings.ToLower(name))
	if d != "" {
		out += "@" + url.QueryEscape(string(d))
	}
	out += "?repository_url=" + qualifier(r.Repository)
	if r.Tag != "" {
		out += "&tag=" + url.QueryEscape(r.Tag)
	}
	return out
}

// qualifier escapes the value of a qualifier; "/" and ":" may stand as they are.
func qualifier(s string) string {
	return strings.NewReplacer("%2F", "/", "%3A", ":").Replace(url.QueryEscape(s))
}
