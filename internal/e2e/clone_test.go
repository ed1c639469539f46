package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clone is one engineer's clone of the fleet's repository.
type clone struct {
	w   *world
	dir string
}

// origin makes the bare repository that everybody pushes to, with the fleet in it.
func origin(t *testing.T, w *world) *clone {
	t.Helper()
	bare := filepath.Join(w.dir, "origin.git")
	w.must(t, w.dir, "git", "init", "-q", "--bare", "-b", "main", bare)
	c := w.clone(t, "delivery")
	w.must(t, c.dir, w.darkstart, "init", "--profile", "production", ".")
	return c
}

// clone clones the repository into a folder of that name.
func (w *world) clone(t *testing.T, name string) *clone {
	t.Helper()
	c := &clone{w, filepath.Join(w.dir, name)}
	w.must(t, w.dir, "git", "clone", "-q", filepath.Join(w.dir, "origin.git"), c.dir)
	for key, value := range map[string]string{"user.name": name, "user.email": name + "@fleet.example", "commit.gpgsign": "false"} {
		c.git(t, "config", key, value)
	}
	return c
}

func (c *clone) git(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(c.w.must(t, c.dir, "git", args...))
}

// write writes a file of the fleet.
func (c *clone) write(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(c.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit replaces text that must stand in a file exactly once.
func (c *clone) edit(t *testing.T, path, old, text string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, path))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), old); n != 1 {
		t.Fatalf("%s: %q stands %d times", path, old, n)
	}
	c.write(t, path, strings.Replace(string(b), old, text, 1))
}

func (c *clone) commit(t *testing.T, message string) {
	t.Helper()
	c.git(t, "add", "-A")
	c.git(t, "commit", "-q", "-m", message)
}

// push pushes main; a push that is no fast-forward is an error.
func (c *clone) push() error {
	_, err := c.w.exec(c.dir, "git", "push", "-q", "origin", "HEAD:main")
	return err
}

// darkstart runs the compiler in the clone and returns its exit status.
func (c *clone) darkstart(t *testing.T, args ...string) (out string, status int) {
	t.Helper()
	out, err := c.w.exec(c.dir, c.w.darkstart, args...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return out + string(exit.Stderr), exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return out, 0
}

// ok runs the compiler, which must exit with 0.
func (c *clone) ok(t *testing.T, args ...string) string {
	t.Helper()
	out, status := c.darkstart(t, args...)
	if status != 0 {
		t.Fatalf("darkstart %q: exit status %d\n%s", args, status, out)
	}
	return out
}

// entry is what a release record says of one artifact.
type entry struct {
	Serial                      int
	Content, Manifest, Previous string
	Revision                    string
	NotAfter                    string
}

type records struct {
	Artifacts map[string][]entry
	Releases  []struct {
		ID        string
		Artifacts map[string]int
	}
}

func (c *clone) records(t *testing.T, stream string) records {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, "releases", stream+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r records
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// newest is the newest entry of an artifact, in whatever stream.
func (c *clone) newest(t *testing.T, artifact string) entry {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, "releases", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var newest entry
	for _, f := range files {
		for _, e := range c.records(t, strings.TrimSuffix(filepath.Base(f), ".json")).Artifacts[artifact] {
			if e.Serial > newest.Serial {
				newest = e
			}
		}
	}
	if newest.Serial == 0 {
		t.Fatalf("%s was never released", artifact)
	}
	return newest
}

// release records and signs what HEAD compiles to, pushes the record (the
// fast-forward is the lock), publishes, and pushes the pins.
func (c *clone) release(t *testing.T, args ...string) {
	t.Helper()
	c.recorded(t, args...)
	if err := c.push(); err != nil {
		t.Fatal(err)
	}
	c.publish(t)
}

// recorded releases and commits, without a push.
func (c *clone) recorded(t *testing.T, args ...string) {
	t.Helper()
	c.ok(t, append([]string{"release", "--key", c.w.key}, args...)...)
	c.commit(t, "release")
}

// publish puts the newest release into the registry with the signatures that
// release made, and pushes the pins that follow.
func (c *clone) publish(t *testing.T, args ...string) {
	t.Helper()
	c.ok(t, append([]string{"publish", "oci://" + c.w.Registry + "/fleet"}, args...)...)
	if c.git(t, "status", "--porcelain") == "" {
		return // of what is pinned nothing is new
	}
	c.commit(t, "pin")
	for _, file := range strings.Fields(c.git(t, "show", "--name-only", "--format=", "HEAD")) {
		if !strings.HasPrefix(file, "deploy/") {
			t.Errorf("publish changed %q", file)
		}
	}
	if err := c.push(); err != nil {
		t.Fatal(err)
	}
}

// pins is the folder of the objects that point the engine of a cluster at a
// release.
func (c *clone) pins(cluster string) string { return filepath.Join(c.dir, "deploy", cluster) }
