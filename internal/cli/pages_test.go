package cli_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

var updateReadme = flag.Bool("update-readme", false, "rewrite the outputs in README.md and docs/guides")

// TestReadme runs what README.md shows and holds it to its outputs.
// `go test ./internal/cli -run Readme -update-readme` rewrites them.
func TestReadme(t *testing.T) {
	(&page{name: "README.md"}).run(t)
}

// TestGuides does the same with the guides. The clock of their commands stands
// on the day after their commits, and registries with names in .example answer.
// `go test ./internal/cli -run Guides -update-readme` rewrites the outputs.
func TestGuides(t *testing.T) {
	guides, err := filepath.Glob(filepath.Join(packageDir, "../../docs/guides/*.md"))
	if err != nil || len(guides) == 0 {
		t.Fatal("docs/guides has no page", err)
	}
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := append([]string{"COSIGN_PASSWORD=guide", "DARKSTART_QUIET=", "DARKSTART_NOW=2026-11-21T12:00:00Z"}, goCaches(string(caches))...)
	released := t.TempDir()
	(&page{name: "the fleet of the guides", env: env}).begin(t).prepare(t, released, releasedFleet)
	for _, g := range guides {
		t.Run(strings.TrimSuffix(filepath.Base(g), ".md"), func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			p := &page{name: "docs/guides/" + filepath.Base(g), released: released}
			p.env = slices.Concat(env, []string{"HOME=" + home, "TUF_ROOT=" + home, "DOCKER_CONFIG=" + home}, registries(t))
			p.run(t)
		})
	}
}

func goCaches(lines string) []string {
	dirs := strings.Fields(lines)
	return []string{"GOCACHE=" + dirs[0], "GOMODCACHE=" + dirs[1]}
}

// page is a Markdown page whose commands are run. Comments in it say where:
//
//	<!-- needs cosign -->           stock programs that are on PATH
//	<!-- before NAME … -->          what has happened before, in a shell; no output
//	<!-- run in NAME -->            the console block that follows is run
//	<!-- run offline in NAME -->    the same, without any network, loopback included
//
// Commands are the lines that start with "$ ". NAME is a scratch folder, or a
// folder in one, that blocks of the page share in their order. It begins empty,
// or as startsWith says; "source" is this repository.
type page struct {
	name string   // from the root of this repository
	env  []string // besides that of everybody
	// released is the folder that releasedFleet made.
	released string

	root, bin string
	scratch   map[string]string
}

// startsWith are the scripts that make scratch folders of these names: a
// repository of the example fleet; a fleet whose first release is published.
var startsWith = map[string]string{
	"example":  `cp -R "$1/testdata/fleets/example/." . && git init -q -b main . && git add -A && git commit -q -m 'the example fleet'`,
	"released": `cp -R "$2/." . && darkstart publish -q --from fleet/dist/oci oci://registry.example/fleet`,
}

// releasedFleet makes a fleet with its remote and its keys, and a first release
// that every ring is pinned to.
const releasedFleet = `darkstart init --profile production fleet
darkstart keys generate --out keys
darkstart keys generate --role attest --out keys
darkstart keys generate --out escrow
git init -q --bare -b main origin
cd fleet
echo 'releases: registry: "oci://registry.example/fleet"' >> darkstart.cue
mkdir keys && cp ../keys/*.pub keys && cp ../escrow/release.pub keys/escrow.pub
cat > trust.cue <<.
package trust

release: main: key:   "keys/release.pub"
release: escrow: key: "keys/escrow.pub"
attest: build: key:   "keys/attest.pub"
.
git init -q -b main . && git add -A && git commit -q -m 'a fleet'
git remote add origin ../origin
darkstart release --key ../keys/release.key --attest-key ../keys/attest.key
git add releases && git commit -q -m 'release main-1'
darkstart publish --tar dist/release.tar --to all
git add deploy && git commit -q -m 'pin main-1' && git push -q -u origin main`

var (
	needs  = regexp.MustCompile(`<!-- needs ([\w ]+) -->`)
	blocks = regexp.MustCompile("(?s)<!-- before (?P<at>[\\w/-]+)\n(?P<script>.*?)-->|" +
		"<!-- run (?P<offline>offline )?in (?P<in>[\\w/-]+) -->\n```console\n(?P<console>.*?)```")
)

func (p *page) begin(t *testing.T) *page {
	p.root, p.bin, p.scratch = filepath.Dir(filepath.Dir(packageDir)), t.TempDir(), map[string]string{}
	p.env = append(p.env, "GOBIN="+p.bin)
	return p
}

func (p *page) run(t *testing.T) {
	p.begin(t)
	file := filepath.Join(p.root, filepath.FromSlash(p.name))
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range needs.FindAllStringSubmatch(string(text), -1) {
		for _, name := range strings.Fields(m[1]) {
			p.provide(t, name)
		}
	}
	ran := 0
	got := blocks.ReplaceAllStringFunc(string(text), func(block string) string {
		m := blocks.FindStringSubmatch(block)
		part := func(name string) string { return m[blocks.SubexpIndex(name)] }
		if at := part("at"); at != "" {
			p.prepare(t, p.folder(t, at), part("script"))
			return block
		}
		ran++
		head, _, _ := strings.Cut(block, "\n")
		return head + "\n```console\n" + p.replay(t, part("in"), part("offline") != "", part("console")) + "```"
	})
	if ran == 0 {
		t.Fatalf("%s has no block that is run", p.name)
	}
	if level(got) == level(string(text)) {
		return
	}
	if !*updateReadme {
		t.Fatalf("%s shows other output than the commands give (-update-readme rewrites it):\n%s", p.name, cmp.Diff(level(string(text)), level(got)))
	}
	if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
		t.Fatal(err)
	}
}

// provide puts a stock program on the page's PATH.
func (p *page) provide(t *testing.T, name string) {
	t.Helper()
	program, err := stockProgram(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(tools.Path(t, program), filepath.Join(p.bin, name)); err != nil {
		t.Fatal(err)
	}
}

// folder returns the folder of a name, and makes it when it is new.
func (p *page) folder(t *testing.T, name string) string {
	t.Helper()
	scratch, rest, _ := strings.Cut(name, "/")
	dir := p.scratch[scratch]
	switch {
	case scratch == "source":
		return p.root
	case dir == "":
		dir = t.TempDir()
		p.scratch[scratch] = dir
		p.prepare(t, dir, startsWith[scratch])
	}
	dir = filepath.Join(dir, filepath.FromSlash(rest))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (p *page) prepare(t *testing.T, dir, script string) {
	t.Helper()
	if out, err := p.command(dir, false, "set -e\nset -- '"+p.root+"' '"+p.released+"'\n"+script).CombinedOutput(); err != nil {
		t.Fatalf("%s: what comes before: %v\n%s", p.name, err, out)
	}
}

func (p *page) command(dir string, offline bool, script string) *exec.Cmd {
	args := []string{"sh", "-c", script}
	if offline {
		args = append(slices.Clone(noNetwork), args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(environment(p.bin), p.env...)
	return cmd
}

func (p *page) replay(t *testing.T, name string, offline bool, block string) string {
	t.Helper()
	if offline {
		needNoNetwork(t)
	}
	dir := p.folder(t, name)
	var out strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		b, err := p.command(dir, offline, command).CombinedOutput()
		if _, failed := err.(*exec.ExitError); err != nil && !failed {
			t.Fatal(err)
		}
		text := waiting.ReplaceAllString(string(b), "")
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		out.WriteString(line + text)
	}
	return out.String()
}

// What a run prints and the next does not: progress, which depends on how busy
// the machine is, and what follows from keys and signatures, which are random:
// the length of what is sent, and the digests and commits with a key in them.
// The same goes for the digests of content, which every change of the emitter
// moves. A page keeps its own; which of them are equal, anywhere on it, is
// compared.
var (
	waiting = regexp.MustCompile(`(?m)^darkstart: (([0-9a-f]{12}: )?(` + strings.Join([]string{
		"evaluating CUE", "rendering manifests", "linking the fleet", "solving recovery", "comparing with the base", "checking guardrails",
		"writing artifacts", "sealing bundles", "asking what is there", "sending bundles", "attaching", "naming",
	}, "|") + `)|cache: ).*\n`)
	random = regexp.MustCompile(`sent \d+ bytes|sha256:[0-9a-f]{64}|content [0-9a-f]{12}|\([0-9a-f]{12}\)|\b[0-9a-f]{64}\b`)
)

// level replaces what is random by its number in the text.
func level(s string) string {
	var seen []string
	return random.ReplaceAllStringFunc(s, func(x string) string {
		if !slices.Contains(seen, x) {
			seen = append(seen, x)
		}
		return fmt.Sprintf("<%d>", slices.Index(seen, x))
	})
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

// noNetwork runs a command in a network namespace of its own, in which no
// interface is up: not even the loopback one. Users other than root may make
// one where they may make a user namespace.
var noNetwork = func() []string {
	if os.Geteuid() == 0 {
		return []string{"unshare", "--net", "--"}
	}
	return []string{"unshare", "--map-root-user", "--net", "--"}
}()

// needNoNetwork skips where namespaces are not allowed, and fails in CI. That
// there is no network is looked at, not believed.
func needNoNetwork(t *testing.T) {
	t.Helper()
	args := append(slices.Clone(noNetwork), "sh", "-c", "cat /proc/net/dev /proc/net/if_inet6 /proc/net/route")
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		tools.Missing(t, "no network namespace: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok && name != "lo" || strings.Contains(line, "00000000000000000000000000000001") {
			t.Fatalf("there is a network in a namespace without one:\n%s", out)
		}
	}
}
