package seal

import (
	"context"
	"errors"
	"fmt"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// WriteLayout makes dir an OCI image layout of exactly these bundles, each
// tagged with its artifact's name. It is reproducible and unsigned; Attach
// puts signatures beside the bundles.
func WriteLayout(ctx context.Context, dir string, bundles []*Bundle) (*oci.Layout, error) {
	list := make([]oci.Artifact, len(bundles))
	for i, b := range bundles {
		list[i] = b.Stored()
	}
	return oci.WriteLayout(ctx, dir, list)
}

// Load reads the bundle that ref (an artifact's name or a digest) names, and
// derives every byte of it again. It checks no signature: use Verify to decide
// whether a bundle may be trusted, and Load to look inside.
func Load(ctx context.Context, src oci.Source, ref string, l Limits) (*Bundle, diag.List, error) {
	d, err := src.Resolve(ctx, ref)
	if errors.Is(err, oci.ErrNotFound) {
		return nil, diag.List{diag.Errorf("SEA012", "there is no bundle %q: %v", ref, err).
			Fix("name an artifact (a cluster, or \"fleet\") or a manifest digest; `darkstart inspect` lists them")}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	b, err := src.Fetch(ctx, d, oci.MaxManifest)
	if err != nil {
		return damaged(err)
	}
	if want, err := digest.Parse(ref); err == nil && digest.Of(b) != want {
		return damaged(fmt.Errorf("%s was asked for and %s was given: %w", want, digest.Of(b), oci.ErrDamaged))
	}
	bundle, diags, err := Read(b, func(want digest.Digest, size int64) ([]byte, error) {
		return src.Fetch(ctx, oci.Descriptor{MediaType: MediaTypeLayer, Digest: want, Size: size}, size)
	}, l)
	if err != nil {
		return damaged(err)
	}
	return bundle, diags, nil
}

// damaged tells a store that lies from a store that cannot be read.
func damaged(err error) (*Bundle, diag.List, error) {
	if !errors.Is(err, oci.ErrDamaged) && !errors.Is(err, oci.ErrNotFound) {
		return nil, nil, err
	}
	what := "incomplete"
	if errors.Is(err, oci.ErrDamaged) {
		what = "damaged"
	}
	return nil, diag.List{diag.Errorf("SEA010", "the bundle is %s: %v", what, err).
		Fix("fetch the bundle again, from another copy if there is one")}, nil
}
