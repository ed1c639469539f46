package cli_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

const jobImage = "registry.example/darkstart@sha256:7031c1b283388d2c2e09b57badb803c05ebed362dc88d84b480cc47f72a21097"

// What fleet job writes is run as each target would run it, every pod and job on
// a machine of its own, and gives the bundles of one machine.
func TestFleetJob(t *testing.T) {
	if testing.Short() {
		t.Skip("starts twenty processes")
	}
	t.Parallel()
	for target, run := range map[string]func(*jobs, []byte){"kubernetes": (*jobs).kubernetes, "github": (*jobs).github, "gitlab": (*jobs).gitlab} {
		t.Run(target, func(t *testing.T) {
			j := &jobs{victim: newVictim(t), root: t.TempDir()}
			want := j.finish("compile")
			if err := os.RemoveAll(filepath.Join(j.dir, "dist")); err != nil {
				t.Fatal(err)
			}
			c := j.victim.command("fleet")
			c.Args = []string{
				"darkstart", "fleet", "job", "-o", target, "--shards", "3", "--image", jobImage,
				"--to", "oci://" + registry.Memory(t, true) + "/shards", "--repository", "file://" + j.dir,
			}
			if target != "kubernetes" {
				c.Args = c.Args[:len(c.Args)-2]
			}
			text, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			run(j, text)
			if got, err := bundles(filepath.Join(j.dist, "oci")); err != nil || !slices.Equal(got, want) {
				t.Errorf("got\n%s, %v; want\n%s", strings.Join(got, ""), err, strings.Join(want, ""))
			}
			if !strings.Contains(j.said, "of 3 of 3 shards") {
				t.Errorf("the assembly said\n%s", j.said)
			}
		})
	}
}

// jobs runs what was written.
type jobs struct {
	*victim
	root     string
	machines int
	dist     string // where the last one writes
	said     string // by the last one, on stderr
}

// machine returns what maps the absolute paths of a machine of its own to
// folders here.
func (j *jobs) machine() func(string) string {
	dir := filepath.Join(j.root, fmt.Sprint(j.machines))
	j.machines++
	var pairs []string
	for _, d := range []string{"/work", "/cache", "/registry", "/git", "/tmp", "/dist"} {
		if err := os.MkdirAll(dir+d, 0o755); err != nil {
			j.Fatal(err)
		}
		pairs = append(pairs, d, dir+d)
	}
	replace := strings.NewReplacer(pairs...)
	return func(s string) string {
		if strings.HasPrefix(s, "/") {
			return replace.Replace(s)
		}
		return s
	}
}

// start runs one process in a folder, with nothing of this machine but its path
// to programs.
func (j *jobs) start(dir string, env map[string]string, args ...string) {
	j.Helper()
	c := exec.Command(args[0], args[1:]...)
	c.Dir = dir
	c.Env = append(environment(""), "HOME="+j.root, "DARKSTART_QUIET=")
	for _, k := range slices.Sorted(maps.Keys(env)) {
		c.Env = append(c.Env, k+"="+env[k])
	}
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		j.Fatalf("%v: %v\n%s%s", args, err, &stdout, &stderr)
	}
	j.said = stderr.String()
}

type container struct {
	Command, Args []string
	WorkingDir    string `yaml:"workingDir"`
	Env           []struct{ Name, Value string }
}

func (j *jobs) kubernetes(text []byte) {
	for docs := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var job struct {
			Kind string
			Spec struct {
				Completions int
				Template    struct {
					Spec struct {
						Init       []container `yaml:"initContainers"`
						Containers []container
					}
				}
			}
		}
		if docs.Decode(&job) != nil {
			return
		}
		pod := job.Spec.Template.Spec
		if job.Kind != "Job" || len(pod.Init) != 1 || len(pod.Containers) != 1 {
			j.Fatalf("%s", text)
		}
		for i := range max(job.Spec.Completions, 1) {
			at := j.machine()
			for _, c := range append(pod.Init, pod.Containers...) {
				env := map[string]string{"JOB_COMPLETION_INDEX": fmt.Sprint(i)}
				for _, e := range c.Env {
					env[e.Name] = at(e.Value)
				}
				args := slices.Concat(c.Command, c.Args)
				for k := range args {
					args[k] = at(args[k])
				}
				j.start(at(c.WorkingDir), env, args...)
			}
			j.dist = at("/dist")
		}
	}
}

func (j *jobs) github(text []byte) {
	type githubJob struct {
		Strategy struct{ Matrix struct{ Index []int } }
		Defaults struct {
			Run struct {
				Dir string `yaml:"working-directory"`
			}
		}
		Steps []struct {
			Run string
			Env map[string]string
		}
	}
	var w struct {
		Env  map[string]string
		Jobs struct{ Shard, Assemble githubJob }
	}
	if err := yaml.Unmarshal(text, &w); err != nil {
		j.Fatal(err)
	}
	run := func(g githubJob, index string) {
		at := j.machine()
		for _, s := range g.Steps {
			env := map[string]string{"HOME": at("/work")}
			for k, v := range merged(w.Env, s.Env) {
				env[k] = at(strings.ReplaceAll(v, "${{ secrets.DARKSTART_REGISTRY_CONFIG }}", `{"auths": {}}`))
			}
			if s.Run != "" {
				j.start(filepath.Join(j.dir, g.Defaults.Run.Dir), env, "bash", "-eo", "pipefail", "-c", strings.ReplaceAll(s.Run, "${{ matrix.index }}", index))
			}
		}
	}
	for _, i := range w.Jobs.Shard.Strategy.Matrix.Index {
		run(w.Jobs.Shard, fmt.Sprint(i))
	}
	run(w.Jobs.Assemble, "")
	j.dist = filepath.Join(j.dir, "dist")
}

func (j *jobs) gitlab(text []byte) {
	type gitlabJob struct {
		Parallel int
		Script   []string
	}
	var p struct {
		Base struct {
			Variables    map[string]string
			BeforeScript []string `yaml:"before_script"`
		} `yaml:".darkstart"`
		Shard    gitlabJob `yaml:"darkstart-shard"`
		Assemble gitlabJob `yaml:"darkstart-assemble"`
	}
	if err := yaml.Unmarshal(text, &p); err != nil {
		j.Fatal(err)
	}
	run := func(g gitlabJob, index int) {
		at := j.machine()
		env := map[string]string{"CI_NODE_INDEX": fmt.Sprint(index), "CI_NODE_TOTAL": fmt.Sprint(g.Parallel), "DARKSTART_REGISTRY_CONFIG": filepath.Join(j.root, "config.json")}
		for k, v := range p.Base.Variables {
			env[k] = at(v)
		}
		j.start(j.dir, env, "bash", "-eo", "pipefail", "-c", strings.Join(slices.Concat(p.Base.BeforeScript, g.Script), "\n"))
	}
	if err := os.WriteFile(filepath.Join(j.root, "config.json"), []byte(`{"auths": {}}`), 0o600); err != nil {
		j.Fatal(err)
	}
	for i := range p.Shard.Parallel {
		run(p.Shard, i+1)
	}
	run(p.Assemble, 1)
	j.dist = filepath.Join(j.dir, "dist")
}

// actionlint takes the workflow.
func TestFleetJobActionlint(t *testing.T) {
	lint := tools.Path(t, tools.Actionlint)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := newVictim(t).command("fleet")
	c.Args = []string{"darkstart", "fleet", "job", "-o", "github", "--image", jobImage, "--to", "oci://registry.example/shards", "--fleet", "fleets/eu"}
	b, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := lintWorkflow(t, lint, root, string(b)); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, b)
	}
	if out, err := lintWorkflow(t, lint, root, strings.Replace(string(b), "matrix.index", "matrix.nonesuch", 1)); err == nil || !strings.Contains(out, "nonesuch") {
		t.Errorf("actionlint reads nothing: %v\n%s", err, out)
	}
}
