package vectors

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Refused is the answer of a registry that does not take what it is sent.
type Refused struct {
	Status int
	Answer string
}

// Error returns the answer.
func (r *Refused) Error() string {
	return fmt.Sprintf("the registry answers %d: %s", r.Status, r.Answer)
}

// Push stores the vector in a repository, "host/path", over plain HTTP and with
// no client between that would refuse to send it. The error is a *Refused where
// the registry does not take the manifest of the bundle, or of a statement.
func (v *Vector) Push(ctx context.Context, repository string) error {
	r := newRepository(repository)
	blobs := [][]byte{v.Layer, empty}
	manifests := append([][]byte{}, v.Also...)
	manifests = append(manifests, v.Manifest)
	for _, s := range v.Statements {
		blobs, manifests = append(blobs, s.Bundle), append(manifests, s.Manifest)
	}
	for _, b := range blobs {
		if err := r.blob(ctx, b); err != nil {
			return err
		}
	}
	for _, m := range manifests {
		if err := r.manifest(ctx, m, string(digest.Of(m))); err != nil {
			return err
		}
	}
	if listed, err := r.referrersAPI(ctx, v.Digest()); listed || err != nil || len(v.Statements) == 0 {
		return err
	}
	return r.fallback(ctx, v)
}

// repository is one of a registry without TLS.
type repository struct {
	base   string
	client *http.Client
}

func newRepository(name string) repository {
	host, path, _ := strings.Cut(name, "/")
	return repository{"http://" + host + "/v2/" + path, &http.Client{}}
}

func (r repository) blob(ctx context.Context, b []byte) error {
	resp, _, err := r.do(ctx, http.MethodPost, r.base+"/blobs/uploads/", "", nil)
	if err != nil {
		return err
	}
	at, err := resp.Location()
	if err != nil {
		return err
	}
	at.RawQuery += "&" + url.Values{"digest": {string(digest.Of(b))}}.Encode()
	_, _, err = r.do(ctx, http.MethodPut, at.String(), "application/octet-stream", b)
	return err
}

func (r repository) manifest(ctx context.Context, m []byte, ref string) error {
	var kind struct{ MediaType string }
	if err := json.Unmarshal(m, &kind); err != nil {
		return err
	}
	_, _, err := r.do(ctx, http.MethodPut, r.base+"/manifests/"+ref, kind.MediaType, m)
	return err
}

// referrersAPI reports whether the registry lists referrers by itself.
func (r repository) referrersAPI(ctx context.Context, d digest.Digest) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/referrers/"+string(d), nil)
	if err != nil {
		return false, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return false, err
	}
	return resp.StatusCode == http.StatusOK, resp.Body.Close()
}

// fallback writes the list of referrers under the tag that the distribution
// specification gives it where there is no API.
func (r repository) fallback(ctx context.Context, v *Vector) error {
	type index struct {
		SchemaVersion int              `json:"schemaVersion"`
		MediaType     string           `json:"mediaType"`
		Manifests     []oci.Descriptor `json:"manifests"`
	}
	list := index{SchemaVersion: 2, MediaType: oci.MediaTypeIndex}
	for _, s := range v.Statements {
		var m struct {
			ArtifactType string
			Annotations  map[string]string
		}
		if err := json.Unmarshal(s.Manifest, &m); err != nil {
			return err
		}
		list.Manifests = append(list.Manifests, oci.Descriptor{
			MediaType: oci.MediaTypeManifest, Digest: digest.Of(s.Manifest), Size: int64(len(s.Manifest)),
			ArtifactType: m.ArtifactType, Annotations: m.Annotations,
		})
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return r.manifest(ctx, b, strings.Replace(string(v.Digest()), ":", "-", 1))
}

func (r repository) do(ctx context.Context, method, to, mediaType string, b []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = &Refused{resp.StatusCode, strings.TrimSpace(string(answer))}
	}
	return resp, answer, err
}
