package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// peers are the stock programs whose work Darkstart does, in the order of a
// pipeline.
func peers() []tools.Program {
	return []tools.Program{tools.CUE, tools.Kustomize, tools.Kubeconform, tools.Conftest, tools.Gitleaks, tools.Cosign}
}

// stock is what a pipeline of stock programs needs.
type stock struct {
	meter                string
	programs             map[tools.Program]string
	policy, schemas, tuf string
	key                  string
}

const passphrase = "COSIGN_PASSWORD=bench"

// prepareStock finds the programs, and writes rules and schemas for them.
func prepareStock(ctx context.Context, b *bench, tmp string) (*stock, error) {
	s := &stock{
		meter: b.meter, programs: map[tools.Program]string{}, key: b.key,
		policy: filepath.Join(tmp, "policy"), schemas: filepath.Join(tmp, "schemas"), tuf: filepath.Join(tmp, "tuf"),
	}
	for _, p := range peers() {
		bin, err := tools.Find(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("%s %s %w", p.Name(), p.Version, err)
		}
		s.programs[p] = bin
	}
	rules, err := fs.Sub(stockRules, "policy")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(s.policy, rules); err != nil {
		return nil, err
	}
	_, err = output(ctx, b.root, b.self, "-schemas", s.schemas, "-manifests", b.manifests)
	return s, err
}

// run does for each cluster what such a pipeline does: export the spec, build
// every overlay, validate and judge the result, look for secrets, pack and sign.
// Clusters run side by side, as many as there are processors, which is what
// Darkstart does too. It returns the whole, and what each program cost of it.
func (s *stock) run(ctx context.Context, fleet, overlays, out string, clusters int) (usage, map[string]usage, error) {
	if err := os.RemoveAll(out); err != nil {
		return usage{}, nil, err
	}
	costs := make([]map[string]usage, clusters)
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range clusters {
		g.Go(func() error {
			var err error
			costs[i], err = s.cluster(ctx, fleet, overlays, out, corpus.ClusterName(i))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return usage{}, nil, err
	}
	wall := time.Since(start)
	var total usage
	programs := map[string]usage{}
	for _, c := range costs {
		for name, u := range c {
			programs[name] = programs[name].plus(u)
			total = total.plus(u)
		}
	}
	total.Wall = wall.Seconds()
	return total, programs, nil
}

// cluster is the pipeline of one cluster.
func (s *stock) cluster(ctx context.Context, fleet, overlays, out, cluster string) (map[string]usage, error) {
	dir := filepath.Join(out, cluster)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	dirs, err := filepath.Glob(filepath.Join(overlays, filepath.FromSlash(corpus.OverlayDir(cluster, "*"))))
	if err != nil {
		return nil, err
	}
	slices.Sort(dirs)
	costs := map[string]usage{}
	do := func(c command) error {
		u, err := measure(ctx, s.meter, c)
		name := filepath.Base(c.args[0])
		costs[name] = costs[name].plus(u)
		return err
	}
	spec, archive := dir+".json", dir+".tar.gz"
	commands := []command{{dir: fleet, args: []string{s.programs[tools.CUE], "export", "./clusters/" + cluster, "--outfile", spec}}}
	var files []string
	for _, d := range dirs {
		file := filepath.Join(dir, filepath.Base(d)+".yaml")
		files = append(files, file)
		commands = append(commands, command{dir: dir, args: []string{s.programs[tools.Kustomize], "build", d, "--output", file}})
	}
	commands = append(
		commands,
		command{dir: dir, judges: true, args: append(s.kubeconform(), files...)},
		command{dir: dir, judges: true, args: append([]string{s.programs[tools.Conftest], "test", "--no-color", "--policy", s.policy}, files...)},
		command{dir: dir, args: []string{s.programs[tools.Gitleaks], "dir", dir, "--no-banner", "--exit-code", "0", "--log-level", "error"}},
		command{dir: dir, args: []string{"tar", "-czf", archive, "-C", dir, "."}},
		command{dir: dir, env: []string{passphrase, "TUF_ROOT=" + s.tuf}, args: []string{
			s.programs[tools.Cosign], "sign-blob", "--key", s.key, "--bundle", archive + ".sigstore.json", "--use-signing-config=false", "--tlog-upload=false", "--yes", archive,
		}},
	)
	for _, c := range commands {
		if err := do(c); err != nil {
			return nil, err
		}
	}
	return costs, nil
}

func (s *stock) kubeconform() []string {
	return []string{s.programs[tools.Kubeconform], "-summary", "-schema-location", filepath.Join(s.schemas, schemaTemplate)}
}

// versions names the programs for the page.
func versions() string {
	var out []string
	for _, p := range peers() {
		out = append(out, p.Name()+" "+p.Version)
	}
	return strings.Join(out, ", ")
}
