package cli_test

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
)

func cmdRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 2 {
		ts.Fatalf("usage: registry [old|olareg|distribution [USER:PASSWORD]]")
	}
	t, host := scriptTB{ts: ts}, ""
	switch kind := strings.Join(args, " "); {
	case kind == "" || kind == "old":
		host = registry.Memory(t, kind == "")
	case kind == "olareg":
		host = registry.Olareg(t).Host
	case args[0] == "distribution":
		user, password, _ := strings.Cut(strings.Join(args[1:], ""), ":")
		host = registry.Distribution(t, registry.Login{User: user, Password: password}).Host
	default:
		ts.Fatalf("no registry is called %q", kind)
	}
	ts.Setenv("REGISTRY", host)
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
	l, err := oci.WriteLayout(context.Background(), dir, []oci.Artifact{{Tag: tag, Manifest: manifest, Blobs: []oci.Blob{oci.Bytes(config), oci.Bytes(layer)}}})
	ts.Check(err)
	d, err := l.Resolve(context.Background(), tag)
	ts.Check(err)
	to, err := oci.OpenRepository(repository, nil)
	ts.Check(err)
	ts.Check(oci.Copy(context.Background(), l, d, to, tag))
	ts.Setenv("DIGEST", string(d.Digest))
}
