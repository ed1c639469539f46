package stack

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

// StartRegistry starts `distribution`, which has no referrers API.
func (s *Stack) StartRegistry(ctx context.Context) error {
	addr, err := address()
	if err != nil {
		return err
	}
	config := fmt.Sprintf(`{"version": "0.1", "log": {"level": "warn"},
  "storage": {"filesystem": {"rootdirectory": %q}, "delete": {"enabled": true}}, "http": {"addr": %q}}`,
		filepath.Join(s.Dir, "registry"), addr)
	path := filepath.Join(s.Dir, "registry.yml")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		return err
	}
	if err := s.start(programs.Registry, []string{"OTEL_TRACES_EXPORTER=none"}, "serve", path); err != nil {
		return err
	}
	s.Registry = addr
	return s.ready(ctx, "registry", "http://"+addr+"/v2/")
}

// StartOlareg starts a registry that has the referrers API.
func (s *Stack) StartOlareg(ctx context.Context) error {
	addr, err := address()
	if err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(addr)
	args := []string{"serve", "--addr", host, "--port", port, "--dir", filepath.Join(s.Dir, "olareg")}
	if err := s.start(programs.Olareg, nil, args...); err != nil {
		return err
	}
	s.Registry = addr
	return s.ready(ctx, "olareg", "http://"+addr+"/v2/")
}

// Flux starts source-controller and kustomize-controller. Their definitions
// must be established.
func (s *Stack) Flux(ctx context.Context) error {
	a, err := addresses(5)
	if err != nil {
		return err
	}
	storage := filepath.Join(s.Dir, "source-controller")
	if err := os.MkdirAll(storage, 0o755); err != nil {
		return err
	}
	args := map[string][]string{
		"source-controller": {
			"--storage-path=" + storage, "--storage-addr=" + a[0], "--storage-adv-addr=" + a[0],
			"--metrics-addr=" + a[1], "--health-addr=" + a[2],
		},
		"kustomize-controller": {
			"--requeue-dependency=1s", "--no-remote-bases", "--metrics-addr=" + a[3], "--health-addr=" + a[4],
		},
	}
	for _, p := range []programs.Program{programs.SourceController, programs.KustomizeCtrl} {
		config, err := s.kubeconfig(p.Name, "system:masters")
		if err != nil {
			return err
		}
		env := []string{"KUBECONFIG=" + config, "RUNTIME_NAMESPACE=flux-system"}
		if err := s.start(p, env, append(args[p.Name], "--log-level=info", "--log-encoding=json")...); err != nil {
			return err
		}
	}
	if err := s.ready(ctx, "source-controller", "http://"+a[2]+"/readyz"); err != nil {
		return err
	}
	return s.ready(ctx, "kustomize-controller", "http://"+a[4]+"/readyz")
}
