package cli_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// kills is how often each command is killed: enough to hit its writes, few
// enough for every run of the tests.
const kills = 10

// TestKill kills the real process with SIGKILL at random points. dist must
// hold either what it held before or all of what the run makes, every blob
// with its digest, and a clean run afterwards must succeed.
func TestKill(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"compile", "release"} {
		t.Run(command, func(t *testing.T) { killed(t, command) })
	}
}

func killed(t *testing.T, command string) {
	k := newVictim(t)
	before := k.finish(command)
	k.git("add", "-A")
	k.git("commit", "-q", "--allow-empty", "-m", "released")
	k.write("clusters/prod/more.cue", "package clusters\n\ncomponents: \"web\": set: replicas: web: 3\n")
	k.git("add", "-A")
	k.git("commit", "-q", "-m", "a change")

	// How long a whole run takes here: every other kill falls anywhere in it, and
	// the rest while it writes, which is a small part of it.
	probe := newVictim(t)
	begin := time.Now()
	probe.finish(command)
	whole := time.Since(begin)

	random := rand.New(rand.NewPCG(1, uint64(len(command))))
	var after []string
	seen := map[string]int{}
	for i := range kills {
		if i%2 == 0 {
			k.kill(command, func(done <-chan struct{}) { sleep(done, time.Duration(random.Int64N(int64(whole)))) })
		} else {
			k.kill(command, func(done <-chan struct{}) {
				k.awaitWrite(done)
				sleep(done, time.Duration(random.Int64N(int64(4*time.Millisecond))))
			})
		}
		now, err := bundles(k.layout())
		if err != nil {
			t.Fatalf("dist is damaged after a kill: %v", err)
		}
		switch {
		case slices.Equal(now, before):
			seen["old"]++
			continue
		case after == nil:
			after = now
		}
		if !slices.Equal(now, after) {
			t.Fatalf("dist holds neither the old bundles nor the new ones:\n%s", strings.Join(now, ""))
		}
		seen["new"]++
	}
	t.Logf("%s: %d kills within %v: %v", command, kills, whole, seen)

	now := k.finish(command)
	if slices.Equal(now, before) || after != nil && !slices.Equal(now, after) {
		t.Errorf("a clean run afterwards made other bundles:\n%s", strings.Join(now, ""))
	}
	k.noLitter()
}

// victim is a fleet whose compiler gets killed.
type victim struct {
	*testing.T
	dir string
}

func newVictim(t *testing.T) *victim {
	k := &victim{t, t.TempDir()}
	if err := copyFleet(sourceDir(fleets["pair"]), k.dir); err != nil {
		t.Fatal(err)
	}
	k.git("init", "-q", "-b", "main")
	k.git("add", "-A")
	k.git("commit", "-q", "-m", "a fleet")
	return k
}

func (k *victim) layout() string { return filepath.Join(k.dir, "dist", "oci") }

func (k *victim) write(name, text string) {
	if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o644); err != nil {
		k.Fatal(err)
	}
}

func (k *victim) git(args ...string) {
	k.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = k.dir
	cmd.Env = append(os.Environ(), scriptEnv(k.dir)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		k.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// command starts this test binary as darkstart: see TestMain.
func (k *victim) command(name string) *exec.Cmd {
	cmd := exec.Command("darkstart", name, "-q")
	self, err := os.Executable()
	if err != nil {
		k.Fatal(err)
	}
	cmd.Path, cmd.Err, cmd.Dir = self, nil, k.dir
	cmd.Env = append(os.Environ(), scriptEnv(k.dir)...)
	return cmd
}

// kill runs a command and kills it after wait; it may be done by then.
func (k *victim) kill(name string, wait func(done <-chan struct{})) { k.stop(k.command(name), wait) }

func (k *victim) stop(cmd *exec.Cmd, wait func(done <-chan struct{})) {
	if err := cmd.Start(); err != nil {
		k.Error(err)
		return
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed is what it is meant to be
		close(done)
	}()
	wait(done)
	_ = cmd.Process.Kill() // already gone is fine
	<-done
}

func sleep(done <-chan struct{}, d time.Duration) {
	select {
	case <-done:
	case <-time.After(d):
	}
}

// awaitWrite returns at the first change below dist, or when the run is done.
func (k *victim) awaitWrite(done <-chan struct{}) {
	was := k.entries()
	for slices.Equal(k.entries(), was) {
		select {
		case <-done:
			return
		case <-time.After(100 * time.Microsecond):
		}
	}
}

func (k *victim) entries() []string {
	files, err := filepath.Glob(filepath.Join(k.layout(), "blobs", "sha256", "*"))
	if err != nil {
		k.Fatal(err)
	}
	return files
}

func (k *victim) finish(name string) []string {
	k.Helper()
	cmd := k.command(name)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		k.Fatalf("%s: %v\n%s", name, err, &out)
	}
	lines, err := bundles(k.layout())
	if err != nil {
		k.Fatal(err)
	}
	return lines
}

// noLitter demands that a clean run leaves nothing of the killed ones in the
// layout: every blob in it is named by something.
func (k *victim) noLitter() {
	for _, f := range k.entries() {
		if len(filepath.Base(f)) != 64 {
			k.Errorf("%s was left behind by a killed run", filepath.Base(f))
		}
	}
}
