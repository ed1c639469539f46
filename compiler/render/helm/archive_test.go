package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/compiler/render/helm"
	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

func pack(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestArchive guards that a packaged chart renders as its folder does, that
// positions name the archive, and that a hostile archive is refused.
func TestArchive(t *testing.T) {
	meta := "apiVersion: v2\nname: c\nversion: 0.1.0\n"
	body := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n"
	files := map[string]string{
		"c/Chart.yaml": meta, "c/templates/x.yaml": body,
		"c.tgz":     pack(t, "c/Chart.yaml", meta, "c/templates/x.yaml", body),
		"bad.tgz":   pack(t, "c/Chart.yaml", meta, "c/templates/x.yaml", "{{ fail \"no\" }}"),
		"slip.tgz":  pack(t, "c/Chart.yaml", meta, "../../evil", "x"),
		"noise.tgz": "not an archive",
	}
	render := func(p string) (string, any) {
		res, ds, err := helm.Render(context.Background(), tree.FromMap(files), helm.Chart{Path: p, Release: "r", Namespace: "n", Kubernetes: "1.36"}, yaml.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) > 0 {
			return ds[0].Code + " " + ds[0].Primary().String(), nil
		}
		return res.Objects[0].Origin.Pos.String(), contents(res.Objects)
	}
	at, folder := render("c")
	if at != "c/templates/x.yaml:2" {
		t.Errorf("folder: %s", at)
	}
	at, packed := render("c.tgz")
	if d := cmp.Diff(folder, packed); d != "" || at != "c.tgz" {
		t.Errorf("archive: %s %s", at, d)
	}
	for p, want := range map[string]string{"bad.tgz": "RND059 bad.tgz", "slip.tgz": "RND063 slip.tgz", "noise.tgz": "RND063 noise.tgz", "none": "RND001 "} {
		if got, _ := render(p); got != want {
			t.Errorf("%s: %q, want %q", p, got, want)
		}
	}
}
