package cli_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateReadme = flag.Bool("update-readme", false, "rewrite the outputs in README.md")

// session is a block of README.md whose commands are run: a comment that names
// the scratch repository, then a console block.
var session = regexp.MustCompile("(?s)<!-- run in (\\w+) -->\n```console\n(.*?)```")

// TestReadme runs what README.md shows and holds it to its outputs. Commands
// are the lines that start with "$ "; blocks of one repository share it, in
// their order. `go test ./internal/cli -run Readme -update-readme` rewrites the
// outputs.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	scratch := map[string]string{}
	blocks := 0
	got := session.ReplaceAllStringFunc(string(text), func(block string) string {
		m := session.FindStringSubmatch(block)
		blocks++
		if scratch[m[1]] == "" {
			scratch[m[1]] = repository(t, root, m[1])
		}
		return "<!-- run in " + m[1] + " -->\n```console\n" + replay(t, scratch[m[1]], m[2]) + "```"
	})
	if blocks == 0 {
		t.Fatal("README.md has no block that is run")
	}
	if got == string(text) {
		return
	}
	if !*updateReadme {
		t.Fatalf("README.md shows other output than the commands give (-update-readme rewrites it):\n%s", cmp.Diff(string(text), got))
	}
	if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
		t.Fatal(err)
	}
}

// repository makes the scratch folder of a block: "example" holds a commit of
// the example fleet, any other name is an empty folder.
func repository(t *testing.T, root, name string) string {
	t.Helper()
	dir := t.TempDir()
	if name != "example" {
		return dir
	}
	script := `cp -R "$1/testdata/fleets/example/." . && git init -q -b main . && git add -A && git commit -q -m 'the example fleet'`
	cmd := exec.Command("sh", "-ec", script, "sh", root)
	cmd.Dir, cmd.Env = dir, environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// environment has a fixed identity and date, so that outputs are equal
// everywhere. Programs are looked for in the folders first; the darkstart of the
// PATH is this test binary, see TestMain.
func environment(folders ...string) []string {
	path := strings.Join(append(folders, os.Getenv("PATH")), string(os.PathListSeparator))
	return append(os.Environ(),
		"PATH="+path, "NO_COLOR=1", "GITHUB_ACTIONS=", "COSIGN_PASSWORD=readme", "DARKSTART_QUIET=true",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=Demo", "GIT_AUTHOR_EMAIL=demo@fleet.example", "GIT_COMMITTER_NAME=Demo", "GIT_COMMITTER_EMAIL=demo@fleet.example",
		"GIT_AUTHOR_DATE=2026-11-20T12:00:00Z", "GIT_COMMITTER_DATE=2026-11-20T12:00:00Z")
}

func replay(t *testing.T, dir, block string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		out.WriteString(line)
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir, cmd.Env = dir, environment()
		b, err := cmd.CombinedOutput()
		if _, failed := err.(*exec.ExitError); err != nil && !failed {
			t.Fatal(err)
		}
		out.Write(b)
		if len(b) > 0 && b[len(b)-1] != '\n' {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
