package cli_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/cli"
)

var compileSeed = flag.Uint64("compile.seed", 0, "make the random changes of this seed")

// TestCompileKeptChangesNothing: whatever was compiled before, and whatever
// became of the layout since, a compile that takes from the cache says, ends and
// leaves behind what one without does, to the byte; and once more, when it
// compiles nothing.
func TestCompileKeptChangesNothing(t *testing.T) {
	t.Parallel()
	seed := cmp.Or(*compileSeed, rand.Uint64())
	c := &compiling{T: t, r: rand.New(rand.NewPCG(seed, 2)), dir: filepath.Join(t.TempDir(), "fleet"), home: t.TempDir(), out: t.TempDir()}
	if err := copyFleet("testdata/pair", c.dir); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-q", "-m", "fleet"}} {
		git := exec.Command("git", append([]string{"-C", c.dir}, args...)...)
		git.Env = append(os.Environ(), scriptEnv(c.home)...)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	recalled, refused := 0, 0
	for round := range 12 {
		flags := c.flags()
		if round < 2 { // one that passes, and one that does not
			flags = [][]string{nil, {"--fail-on", "note"}}[round]
		}
		if err := os.RemoveAll(filepath.Join(c.out, "plain")); err != nil {
			t.Fatal(err)
		}
		want, _ := c.compile("plain", append(flags, "--no-cache")...)
		layout := c.layout("plain")
		if layout == "" {
			refused++
		}
		for i := range 2 {
			stays := c.layout("kept")
			got, again := c.compile("kept", flags...)
			if diff := lineDiff(want+cmp.Or(layout, stays), got+c.layout("kept")); diff != "" {
				t.Fatalf("seed %d: after\n%s\ncompile %v, time %d, says or leaves otherwise with the cache:\n%s", seed, strings.Join(c.history, "\n"), flags, i+1, diff)
			}
			if again {
				recalled++
			} else if i == 1 {
				t.Errorf("seed %d: after\n%s\ncompile %v was not found again", seed, strings.Join(c.history, "\n"), flags)
			}
			c.hit(filepath.Join(c.out, "kept"))
		}
		c.edit()
	}
	if recalled < 12 || refused == 0 || refused == 12 {
		t.Errorf("seed %d: %d compiles recalled, %d refused: one side was never tried", seed, recalled, refused)
	}
}

// lineDiff is the first line that differs, "" when none does.
func lineDiff(want, got string) string {
	if want == got {
		return ""
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: -%s +%s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(b), len(a))
}

type compiling struct {
	*testing.T
	r              *rand.Rand
	dir, home, out string
	history        []string
}

// compile returns the exit status and what was printed, and whether nothing was
// compiled for it.
func (c *compiling) compile(name string, flags ...string) (text string, recalled bool) {
	c.Helper()
	var stdout, stderr bytes.Buffer
	dist := filepath.Join(c.out, name)
	status := cli.Run(c.Context(), cli.Invocation{
		Args:  slices.Concat([]string{"compile", "-C", c.dir, "--out", dist, "-o", "json", "--trace", filepath.Join(c.out, "trace.json")}, flags),
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Getenv: func(name string) string { return map[string]string{"HOME": c.home}[name] },
	})
	return fmt.Sprintf("status %d\n%s", status, strings.ReplaceAll(stdout.String(), name+"/oci", "OUT")), strings.Contains(stderr.String(), "nothing changed since it was compiled")
}

// layout lists what is in a layout, "" when there is none.
func (c *compiling) layout(name string) string {
	c.Helper()
	var b strings.Builder
	err := filepath.WalkDir(filepath.Join(c.out, name), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", filepath.Base(path), sha256.Sum256(content))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		c.Fatal(err)
	}
	return b.String()
}

// flags asks for one thing or another, so that the answers of one are not given
// to another.
func (c *compiling) flags() []string {
	all := [][]string{nil, nil, {"--fail-on", "never"}, {"--fail-on", "note"}, {"--cluster", "prod"}, {"--now", "2031-01-01"}, {"--locked"}, {"--no-waivers"}, {"--revision", "HEAD"}}
	return all[c.r.IntN(len(all))]
}

// edit changes a file of the fleet, or takes a change back.
func (c *compiling) edit() {
	if c.r.IntN(3) == 0 {
		if out, err := exec.Command("git", "-C", c.dir, "checkout", "-q", ".").CombinedOutput(); err != nil {
			c.Fatalf("%v\n%s", err, out)
		}
		c.history = append(c.history, "go back to the commit")
		return
	}
	file := []string{"clusters/prod/cluster.cue", "clusters/base.cue", "components/web/deployment.yaml", "components/web/kustomization.yaml", "darkstart.lock", "fleet/fleet.cue"}[c.r.IntN(6)]
	name := filepath.Join(c.dir, filepath.FromSlash(file))
	b, err := os.ReadFile(name)
	if err != nil {
		c.Fatal(err)
	}
	what := ""
	switch lines := bytes.SplitAfter(b, []byte("\n")); c.r.IntN(3) {
	case 0:
		what, b = "cut "+file, bytes.Join(lines[:c.r.IntN(len(lines))], nil)
	case 1:
		what, b = "put an empty line before "+file, append([]byte("\n"), b...)
	case 2:
		what, b = "count in "+file, bytes.ReplaceAll(b, []byte("1"), []byte("2"))
	}
	c.history = append(c.history, what)
	if err := os.WriteFile(name, b, 0o644); err != nil {
		c.Fatal(err)
	}
}

// hit does something to a layout, or nothing.
func (c *compiling) hit(dist string) {
	var files []string
	err := filepath.WalkDir(dist, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if os.IsNotExist(err) || len(files) == 0 {
		return
	}
	if err != nil {
		c.Fatal(err)
	}
	name := files[c.r.IntN(len(files))]
	switch c.r.IntN(5) {
	case 0:
		c.history, err = append(c.history, "flip a bit of "+name), flip(name)
	case 1:
		c.history, err = append(c.history, "remove "+name), os.Remove(name)
	case 2:
		c.history, err = append(c.history, "put more among the blobs"), os.WriteFile(filepath.Join(dist, "oci", "blobs", "sha256", "more"), []byte("more\n"), 0o644)
	case 3:
		c.history, err = append(c.history, "remove dist"), os.RemoveAll(dist)
	}
	if err != nil {
		c.Fatal(err)
	}
}

func flip(name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	return os.WriteFile(name, b, 0o644)
}
