package cli_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
)

// TestShards compiles a fleet of twenty clusters in sixteen processes, each with
// a cache of its own as on a machine of its own, over a stock registry. Some are
// killed and start again, one while it pushes, one never comes back. Two
// assemblies at once, in one folder and with one cache, print and write what one
// process does alone.
func TestShards(t *testing.T) {
	if testing.Short() {
		t.Skip("starts thirty processes")
	}
	t.Parallel()
	const count, lost, late = 16, 5, 8
	k := newShards(t, 20)
	begin := time.Now()
	alone, bundlesAlone := k.whole("compile", "--no-cache")
	whole := time.Since(begin)

	random := rand.New(rand.NewPCG(6, 6))
	g := errgroup.Group{}
	g.SetLimit(4)
	for i := range count {
		after := time.Duration(random.Int64N(int64(2 * whole)))
		g.Go(func() error {
			switch {
			case i == late:
				return nil
			case i == lost: // as soon as it works
				k.killAfter(i, count, k.until(func() bool { return k.works(i) }))
				return nil
			case i%4 == lost%4:
				k.killAfter(i, count, func(done <-chan struct{}) { sleep(done, after) })
			}
			return k.run(k.shard(i, count))
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	stored := k.stored()
	k.killAfter(late, count, k.until(func() bool { return k.stored() != stored }))
	if err := k.run(k.shard(late, count)); err != nil {
		t.Fatal(err)
	}
	// A second attempt, as when the node of a pod is lost that was done already.
	stored = k.stored()
	if err := k.run(k.shard(0, count)); err != nil {
		t.Fatal(err)
	}
	if k.stored() != stored {
		t.Error("a second attempt pushed something else")
	}

	var both [2]struct{ out, err bytes.Buffer }
	for i := range both {
		g.Go(func() error {
			c := k.command("assembly", "assemble", "--shards", fmt.Sprint(count), "--from", k.repository)
			c.Stdout, c.Stderr = &both[i].out, &both[i].err
			return c.Run()
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, &both[0].err, &both[1].err)
	}
	for i := range both {
		if got := both[i].out.String(); got != alone {
			t.Errorf("an assembly printed\n%s\nand one process\n%s", got, alone)
		}
		if said := both[i].err.String(); !strings.Contains(said, "warning[SHD004]: 1 of 16 shards are not in ") || !strings.Contains(said, ": 5; ") || strings.Contains(said, "SHD005") {
			t.Errorf("an assembly said\n%s", said)
		}
	}
	if got, err := bundles(k.layout()); err != nil || !slices.Equal(got, bundlesAlone) {
		t.Errorf("assemblies made\n%s, %v; one process made\n%s", strings.Join(got, ""), err, strings.Join(bundlesAlone, ""))
	}
	k.noLitter()
	if out, _ := k.whole("compile", "--verify-cache"); out != alone {
		t.Errorf("with what the shards computed: %s", out)
	}
}

// shards is a fleet and the registry that its shards meet in.
type shards struct {
	*victim
	registry   *registry.Process
	repository string
	caches     string
}

func newShards(t *testing.T, clusters int) *shards {
	k := &shards{victim: newVictim(t), registry: registry.Distribution(t, registry.Login{}), caches: t.TempDir()}
	k.repository = "oci://" + k.registry.Host + "/fleet/shards"
	for i := 2; i < clusters; i++ {
		name := fmt.Sprintf("clusters/c%02d/cluster.cue", i)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(k.dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		k.write(name, fmt.Sprintf("package clusters\n\nplacement: replicas: [[\"here\"]]\ncomponents: \"web\": set: replicas: web: %d\n", 2+i))
	}
	k.write("darkstart.cue", "package darkstart\n\nreleases: registry: \"oci://registry.fleet.example/fleet\"\n")
	k.git("add", "-A")
	k.git("commit", "-q", "-m", "many clusters")
	return k
}

// command starts this test binary as darkstart, on a machine with this cache.
func (k *shards) command(machine string, args ...string) *exec.Cmd {
	c := k.victim.command(args[0])
	c.Args = append(c.Args, args[1:]...)
	c.Args = append(c.Args, "--fail-on", "never")
	c.Env = append(c.Env, "XDG_CACHE_HOME="+filepath.Join(k.caches, machine))
	return c
}

func (k *shards) shard(i, n int) *exec.Cmd {
	return k.command(fmt.Sprint("shard-", i), "compile", "--shard", fmt.Sprintf("%d/%d", i, n), "--to", k.repository)
}

func (k *shards) run(c *exec.Cmd) error {
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", c.Args, err, out)
	}
	return nil
}

// killAfter starts a shard and kills it after wait; it may be done by then.
func (k *shards) killAfter(i, n int, wait func(done <-chan struct{})) {
	k.stop(k.shard(i, n), wait)
}

// until waits for something that a process does, or until it is done.
func (k *shards) until(did func() bool) func(done <-chan struct{}) {
	return func(done <-chan struct{}) {
		for !did() {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
	}
}

// works reports whether a shard has kept a first result.
func (k *shards) works(i int) bool {
	files, err := filepath.Glob(filepath.Join(k.caches, fmt.Sprint("shard-", i), "darkstart", "*", "*"))
	return err == nil && len(files) > 0
}

// whole runs a command that writes dist and returns what it printed and wrote.
func (k *shards) whole(args ...string) (string, []string) {
	k.Helper()
	if err := os.RemoveAll(filepath.Join(k.dir, "dist")); err != nil {
		k.Fatal(err)
	}
	c := k.command("assembly", args...)
	out, err := c.Output()
	if err != nil {
		k.Fatalf("%v: %v\n%s", args, err, out)
	}
	lines, err := bundles(k.layout())
	if err != nil {
		k.Fatal(err)
	}
	return string(out), lines
}

// stored counts the blobs that the registry holds.
func (k *shards) stored() (n int) {
	err := filepath.WalkDir(k.registry.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "data" && strings.Contains(path, "/blobs/") {
			n++
		}
		return nil // an upload that is done moves away
	})
	if err != nil {
		k.Fatal(err)
	}
	return n
}
