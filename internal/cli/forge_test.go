package cli_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// forge is what a runner of a forge gives to a job: a clone of a fleet whose
// branch "topic" takes a digest off an image, and a main that it parted from.
type forge struct {
	*testing.T
	root, clone, temp, bin string
}

const (
	pinned   = "@sha256:7031c1b283388d2c2e09b57badb803c05ebed362dc88d84b480cc47f72a21097"
	manifest = "components/web/deployment.yaml"
)

func newForge(t *testing.T) *forge {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	f := &forge{T: t, root: root, temp: t.TempDir(), clone: filepath.Join(t.TempDir(), "clone")}
	f.bin = filepath.Join(f.temp, "darkstart") // where the action installs
	origin := t.TempDir()
	f.must(origin, "darkstart", "init", ".")
	f.must(origin, "git", "init", "-q", "-b", "main")
	f.must(origin, "git", "add", "-A")
	f.must(origin, "git", "commit", "-q", "-m", "a fleet")
	f.must(origin, "git", "checkout", "-q", "-b", "topic")
	file := filepath.Join(origin, manifest)
	good := f.read(file)
	bad := strings.Replace(good, pinned, "", 1)
	if bad == good {
		t.Fatal("the scaffold's image is not where it was")
	}
	if err := os.WriteFile(file, []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	f.must(origin, "git", "commit", "-q", "-a", "-m", "by tag")
	f.must(f.temp, "git", "clone", "-q", origin, f.clone)
	return f
}

func (f *forge) must(dir string, args ...string) {
	f.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, environment(f.bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		f.Fatalf("%v: %v\n%s", args, err, out)
	}
}

func (f *forge) read(file string) string {
	f.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}

// shell runs a script in the clone as a runner does, and gives its output and its
// exit status.
func (f *forge) shell(script string, env map[string]string) (string, int) {
	f.Helper()
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = f.clone, environment(f.bin)
	for _, k := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, k+"="+env[k])
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		f.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

type action struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Steps []struct {
			Name, Shell, Run string
			Env              map[string]string
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{ *inputs\.([a-z-]+) *\}\}`)

// step runs one step of action.yml with these inputs and variables.
func (f *forge) step(name string, with, env map[string]string) (string, int) {
	f.Helper()
	var a action
	if err := yaml.Unmarshal([]byte(f.read(filepath.Join(f.root, "action.yml"))), &a); err != nil {
		f.Fatal(err)
	}
	for _, s := range a.Runs.Steps {
		if s.Name != name {
			continue
		}
		vars := map[string]string{
			"GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": f.root, "RUNNER_TEMP": f.temp, "GITHUB_PATH": filepath.Join(f.temp, "path"),
			"GITHUB_OUTPUT": filepath.Join(f.temp, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(f.temp, "summary"),
		}
		for k, v := range s.Env {
			vars[k] = expression.ReplaceAllStringFunc(v, func(e string) string {
				input := expression.FindStringSubmatch(e)[1]
				if v, ok := with[input]; ok {
					return v
				}
				if _, ok := a.Inputs[input]; !ok {
					f.Errorf("%s: action.yml has no input %s", name, input)
				}
				return a.Inputs[input].Default
			})
		}
		maps.Copy(vars, env)
		return f.shell(s.Run, vars)
	}
	f.Fatalf("action.yml has no step %q", name)
	return "", 0
}

// The steps of the action do on a runner's files what GitHub would have them do.
func TestAction(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program once more")
	}
	f := newForge(t)
	out, status := f.step("Install Darkstart", nil, nil)
	if bin := strings.TrimSpace(f.read(filepath.Join(f.temp, "path"))); status != 0 || bin != f.bin {
		t.Fatalf("installed into %q: exit %d\n%s", bin, status, out)
	}
	request := map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"}
	out, status = f.step("Check", nil, request)
	if status != 1 || !strings.Contains(out, "::error file="+manifest+",line=") {
		t.Errorf("a change that is bad: exit %d\n%s", status, out)
	}
	summary := f.read(filepath.Join(f.temp, "summary"))
	if !strings.HasPrefix(summary, "## ❌ 1 error") || summary != f.read(filepath.Join(f.clone, "darkstart.md")) {
		t.Errorf("the summary is no comment:\n%s", summary)
	}
	if s := f.read(filepath.Join(f.clone, "darkstart.sarif")); !strings.Contains(s, `"baselineState": "new"`) {
		t.Errorf("SARIF of a pull request knows no base:\n%s", s)
	}
	if o := f.read(filepath.Join(f.temp, "output")); o != "sarif=darkstart.sarif\nmarkdown=darkstart.md\nexit-code=1\n" {
		t.Errorf("outputs:\n%s", o)
	}
	// What could not be judged is no success, and is not what was judged before.
	out, status = f.step("Check", map[string]string{"base": "origin/nonesuch"}, request)
	if status != 2 || !strings.Contains(f.read(filepath.Join(f.clone, "darkstart.md")), "could not judge") {
		t.Errorf("a base that is not there: exit %d\n%s", status, out)
	}
	if out, status = f.step("Check", map[string]string{"args": "--nonesuch"}, request); status != 2 {
		t.Errorf("a flag that is none: exit %d\n%s", status, out)
	}
	if _, err := os.Stat(filepath.Join(f.clone, "darkstart.md")); err == nil {
		t.Error("the comment of an earlier step stands for a run that had none")
	}
	f.must(f.clone, "git", "checkout", "-q", "origin/main")
	if out, status = f.step("Check", nil, request); status != 0 {
		t.Errorf("a change that is good: exit %d\n%s", status, out)
	}
}

// judgedAt matches the time that a result was judged at.
var judgedAt = regexp.MustCompile(`"now": "([^"]+)"`)

// Pull requests are judged at the commit's time; schedules and releases at the
// runner's.
func TestActionPassesNow(t *testing.T) {
	f := newForge(t)
	for _, c := range []struct {
		name     string
		env      map[string]string
		ofCommit bool
	}{
		{"pull request", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_BASE_REF": "main"}, true},
		{"push", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF_TYPE": "branch"}, true},
		{"schedule", map[string]string{"GITHUB_EVENT_NAME": "schedule"}, false},
		{"release", map[string]string{"GITHUB_EVENT_NAME": "release"}, false},
		{"tag", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF_TYPE": "tag"}, false},
	} {
		f.step("Check", nil, c.env)
		m := judgedAt.FindStringSubmatch(f.read(filepath.Join(f.temp, "darkstart.json")))
		if m == nil || (m[1] == "2026-11-20T12:00:00Z") != c.ofCommit {
			t.Errorf("%s: judged at %v", c.name, m)
		}
	}
}

type pipelineFile struct {
	Darkstart struct {
		Variables map[string]string
		Script    []string
		Artifacts struct {
			Paths   []string
			Reports map[string]string
		}
		Rules []struct{ If string }
	}
	Variables map[string]string
}

// The script of the template, as a GitLab runner gives it to one shell.
func TestGitLabTemplate(t *testing.T) {
	f := newForge(t)
	var p pipelineFile
	if err := yaml.Unmarshal([]byte(f.read(filepath.Join(f.root, "docs/ci/darkstart.gitlab-ci.yml"))), &p); err != nil {
		t.Fatal(err)
	}
	run := func(env map[string]string) (string, int) {
		vars := map[string]string{"CI_PROJECT_DIR": f.clone}
		maps.Copy(vars, p.Variables)
		maps.Copy(vars, p.Darkstart.Variables)
		maps.Copy(vars, env)
		return f.shell(strings.Join(p.Darkstart.Script, "\n"), vars)
	}
	out, status := run(map[string]string{"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"})
	if status != 1 || !strings.Contains(out, "error[SC001]") || !strings.Contains(out, "since origin/main:") {
		t.Errorf("a change that is bad: exit %d\n%s", status, out)
	}
	for _, file := range append(slices.Collect(maps.Values(p.Darkstart.Artifacts.Reports)), p.Darkstart.Artifacts.Paths...) {
		if f.read(filepath.Join(f.clone, file)) == "" {
			t.Errorf("%s is empty", file)
		}
	}
	f.must(f.clone, "git", "checkout", "-q", "origin/main")
	for name, env := range map[string]map[string]string{
		"branch": {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}, "schedule": {"CI_PIPELINE_SOURCE": "schedule"}, "tag": {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": "v1"},
	} {
		// That --now is passed is seen in the shell's trace.
		out, status := run(env)
		traced, _ := f.shell("set -x\n"+strings.Join(p.Darkstart.Script, "\n"), merged(map[string]string{"CI_PROJECT_DIR": f.clone}, p.Variables, env))
		if now := strings.Contains(traced, "--now 20"); status != 0 || now != (name != "branch") {
			t.Errorf("%s: exit %d, --now %v\n%s", name, status, now, out)
		}
	}
}

func merged(ms ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range ms {
		maps.Copy(out, m)
	}
	return out
}

// snippet is the workflow of docs/pull-request.md.
var snippet = regexp.MustCompile("(?s)## GitHub\n\n```yaml\n(.*?)```")

// actionlint takes the workflow of the docs with our action in it, and, as steps
// of a workflow, the scripts of the action.
func TestActionlint(t *testing.T) {
	lint := tools.Path(t, tools.Actionlint)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	f := &forge{T: t, root: root}
	m := snippet.FindStringSubmatch(f.read(filepath.Join(root, "docs/pull-request.md")))
	if m == nil || !strings.Contains(m[1], "darkstart-dev/darkstart@main") {
		t.Fatal("docs/pull-request.md has no workflow with the action")
	}
	workflow := strings.Replace(m[1], "darkstart-dev/darkstart@main", "./", 1)
	if out, err := lintWorkflow(t, lint, root, workflow); err != nil {
		t.Errorf("the workflow of the docs: %v\n%s", err, out)
	}
	bad := strings.Replace(workflow, "- uses: ./", "- uses: ./\n        with: {nonesuch: x}", 1)
	if out, err := lintWorkflow(t, lint, root, bad); err == nil || !strings.Contains(out, "nonesuch") {
		t.Errorf("actionlint does not read action.yml: %v\n%s", err, out)
	}
	var a map[string]any
	if err := yaml.Unmarshal([]byte(f.read(filepath.Join(root, "action.yml"))), &a); err != nil {
		t.Fatal(err)
	}
	b, err := yaml.Marshal(map[string]any{
		"on":   map[string]any{"workflow_call": map[string]any{"inputs": typed(a["inputs"])}},
		"jobs": map[string]any{"action": map[string]any{"runs-on": "ubuntu-latest", "steps": a["runs"].(map[string]any)["steps"]}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := lintWorkflow(t, lint, root, string(b)); err != nil {
		t.Errorf("the steps of the action: %v\n%s", err, out)
	}
}

// typed gives inputs the type that a workflow's need and an action's have not.
func typed(inputs any) map[string]any {
	out := map[string]any{}
	for name := range inputs.(map[string]any) {
		out[name] = map[string]any{"type": "string"}
	}
	return out
}

func lintWorkflow(t *testing.T, lint, root, workflow string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{".github/workflows/w.yml": workflow, "action.yml": ""} {
		if name == "action.yml" {
			b, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	init := exec.Command("git", "init", "-q", dir)
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(lint, "-no-color")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
