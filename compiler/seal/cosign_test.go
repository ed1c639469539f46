package seal

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// stock is a stock cosign with a home of its own and no way to the internet.
type stock struct {
	bin, dir string
	root     string // an empty trusted root: keys only
}

func newCosign(t testing.TB) *stock {
	t.Helper()
	c := &stock{
		bin: tools.Path(t, tools.Cosign),
		dir: t.TempDir(),
	}
	c.root = filepath.Join(c.dir, "trusted-root.json")
	if out, err := c.run("trusted-root", "create", "--out", c.root); err != nil {
		t.Fatalf("cosign trusted-root create: %v\n%s", err, out)
	}
	return c
}

func (c *stock) run(args ...string) ([]byte, error) {
	cmd := exec.Command(c.bin, args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"HOME=" + c.dir, "TUF_ROOT=" + filepath.Join(c.dir, "tuf"), "COSIGN_PASSWORD=correct horse", "PATH=" + os.Getenv("PATH")}
	return cmd.CombinedOutput()
}

func (c *stock) verify(key, ref string) ([]byte, error) {
	return c.run("verify", "--key", key, "--insecure-ignore-tlog", "--trusted-root", c.root, ref)
}

// serve starts a registry with or without the referrers API and returns its
// host.
func serve(t testing.TB, referrers bool) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(referrers)))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func open(t testing.TB, repository string) *oci.Repository {
	t.Helper()
	r, err := oci.OpenRepository(repository, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// push copies the bundle of a layout, with what is attached to it.
func push(t testing.TB, l *oci.Layout, artifact, repository string) {
	t.Helper()
	to := open(t, repository)
	d, err := l.Resolve(t.Context(), artifact)
	if err != nil {
		t.Fatal(err)
	}
	if err := oci.Copy(t.Context(), l, d, to, artifact); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestStockCosign guards DESIGN §8: what Darkstart signs, stock cosign
// verifies from a registry with and without the referrers API, and refuses
// under another key.
func TestStockCosign(t *testing.T) {
	t.Parallel()
	c := newCosign(t)
	other := writeFile(t, c.dir, "other.pub", keys(t, ECDSAP256, RoleRelease).Public().PEM())
	for _, a := range []Algorithm{ECDSAP256, Ed25519} {
		signer := keys(t, a, RoleRelease)
		b := mustSeal(t, content("eu-west-1"), released(2))
		_, l := signed(t, b, signer)
		key := writeFile(t, c.dir, string(a)+".pub", signer.Public().PEM())
		for _, api := range []bool{true, false} {
			repo := serve(t, api) + "/fleet/eu-west-1"
			push(t, l, "eu-west-1", repo)
			ref := repo + "@" + string(b.Digest())
			if out, err := c.verify(key, ref); err != nil || !bytes.Contains(out, []byte(b.Digest())) {
				t.Errorf("%s, referrers API %v: cosign verify: %v\n%s", a, api, err, out)
			}
			if out, err := c.verify(other, ref); err == nil {
				t.Errorf("%s, referrers API %v: cosign accepted another key\n%s", a, api, out)
			}
			if r, diags, err := Verify(t.Context(), open(t, repo), "eu-west-1", trust(t, signer), nil); err != nil || codes(diags) != "" || r.Bundle == nil {
				t.Errorf("%s, referrers API %v: verify from the registry: %v\n%s", a, api, err, diags)
			}
		}
	}
}
