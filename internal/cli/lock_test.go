package cli_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

func cmdRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 || len(args) == 1 && args[0] != "old" {
		ts.Fatalf("usage: registry [old]")
	}
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(len(args) == 0)))
	ts.Defer(s.Close)
	ts.Setenv("REGISTRY", strings.TrimPrefix(s.URL, "http://"))
}

// cmdImage pushes an image of one layer and sets $DIGEST.
func cmdImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: image REF TEXT")
	}
	i := strings.LastIndexByte(args[0], ':')
	repository, tag := args[0][:i], args[0][i+1:]
	config, layer := []byte("{}"), []byte(args[1])
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": oci.MediaTypeManifest,
		"config": oci.Descriptor{Digest: digest.Of(config), MediaType: "application/vnd.oci.image.config.v1+json", Size: int64(len(config))},
		"layers": []any{oci.Descriptor{Digest: digest.Of(layer), MediaType: "application/vnd.oci.image.layer.v1.tar", Size: int64(len(layer))}},
	})
	ts.Check(err)
	dir := ts.MkAbs("image." + digest.Of(manifest).Short())
	l, err := oci.WriteLayout(context.Background(), dir, []oci.Artifact{{Tag: tag, Manifest: manifest, Blobs: [][]byte{config, layer}}})
	ts.Check(err)
	d, err := l.Resolve(context.Background(), tag)
	ts.Check(err)
	to, err := oci.OpenRepository(repository, nil)
	ts.Check(err)
	ts.Check(oci.Copy(context.Background(), l, d, to, tag))
	ts.Setenv("DIGEST", string(d.Digest))
}
