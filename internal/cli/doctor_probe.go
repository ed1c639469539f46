package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/darkstart-dev/darkstart/internal/doctor"
)

// probe takes the snapshot that doctor judges. It looks at this machine and
// writes nothing; the programs that it runs are asked for their version alone.
type probe struct {
	inv  *Invocation
	ctx  context.Context
	root *cobra.Command
	dir  string
	s    *doctor.Snapshot
}

func (p *probe) all() error {
	p.environment()
	p.tools()
	p.credentials()
	return p.repository()
}

// environment sorts the names of variables; their values stay where they are.
func (p *probe) environment() {
	p.s.Flags = flagVariables(p.root)
	if p.inv.Environ == nil {
		return
	}
	for _, e := range p.inv.Environ() {
		name, value, _ := strings.Cut(e, "=")
		switch {
		case value == "":
		case strings.HasPrefix(name, "DARKSTART_RELEASE_PASSWORD"), strings.HasPrefix(name, "DARKSTART_ATTEST_PASSWORD"):
		case strings.HasPrefix(name, "DARKSTART_"):
			p.s.Variables = append(p.s.Variables, name)
		case slices.Contains([]string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}, strings.ToUpper(name)):
			p.s.Proxies = append(p.s.Proxies, name)
		case slices.Contains([]string{"NO_COLOR", "CI", "GITHUB_ACTIONS", "GIT_INDEX_FILE", "GIT_DIR", "GIT_CONFIG_GLOBAL"}, name):
			p.s.Quirks = append(p.s.Quirks, name)
		}
	}
	slices.Sort(p.s.Variables)
	slices.Sort(p.s.Proxies)
	slices.Sort(p.s.Quirks)
}

// flagVariables lists the variables that stand for a flag of any command.
func flagVariables(c *cobra.Command) []string {
	var out []string
	c.LocalFlags().VisitAll(func(f *pflag.Flag) { out = append(out, variable(f.Name)) })
	for _, sub := range c.Commands() {
		out = append(out, flagVariables(sub)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// asked are the programs around darkstart, and how each tells its version
// without a network.
var asked = []struct {
	name string
	args []string
	need string
}{
	{"git", []string{"--version"}, "hooks and commits"},
	{"cosign", []string{"version"}, "verifying releases with a stock tool"},
	{"flux", []string{"--version"}, "clusters that Flux serves"},
	{"argocd", []string{"version", "--client", "--short"}, "clusters that Argo CD serves"},
	{"kubectl", []string{"version", "--client"}, "the commands of runbooks"},
}

var versionText = regexp.MustCompile(`v?\d+\.\d+(\.\d+)?[-+.\w]*`)

func (p *probe) tools() {
	for _, a := range asked {
		t := doctor.Tool{Name: a.name, For: a.need}
		if path, err := exec.LookPath(a.name); err == nil {
			t.Path = path
			ctx, cancel := context.WithTimeout(p.ctx, 3*time.Second)
			out, _ := exec.CommandContext(ctx, path, a.args...).CombinedOutput()
			cancel()
			t.Version = versionText.FindString(string(out))
		}
		p.s.Tools = append(p.s.Tools, t)
	}
}

// credentials reads no secret: it looks whether the file is JSON.
func (p *probe) credentials() {
	file := filepath.Join(p.inv.Getenv("HOME"), ".docker", "config.json")
	if d := p.inv.Getenv("DOCKER_CONFIG"); d != "" {
		file = filepath.Join(d, "config.json")
	}
	b, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		p.s.Credentials = err.Error()
	case !json.Valid(b):
		p.s.Credentials = file + " is no JSON"
	default:
		p.s.Credentials = "readable"
	}
}
