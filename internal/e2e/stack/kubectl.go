package stack

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Kubeconfig is the administrator's.
func (s *Stack) Kubeconfig() string { return filepath.Join(s.Dir, "admin.kubeconfig") }

// kubeconfig writes NAME.kubeconfig for a user of that name.
func (s *Stack) kubeconfig(name string, groups ...string) (string, error) {
	if err := s.ca.client(name, groups...); err != nil {
		return "", err
	}
	file := map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": s.name,
		"clusters": []any{map[string]any{"name": s.name, "cluster": map[string]any{
			"server": s.Server, "certificate-authority": s.ca.path("ca.crt"),
		}}},
		"users": []any{map[string]any{"name": name, "user": map[string]any{
			"client-certificate": s.ca.path(name + ".crt"), "client-key": s.ca.path(name + ".key"),
		}}},
		"contexts": []any{map[string]any{"name": s.name, "context": map[string]any{"cluster": s.name, "user": name}}},
	}
	b, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.Dir, name+".kubeconfig")
	return path, os.WriteFile(path, b, 0o600)
}

// Kubectl runs kubectl as the administrator.
func (s *Stack) Kubectl(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.Program(programs.Kubectl), args...)
	cmd.Env = s.Env("KUBECONFIG=" + s.Kubeconfig())
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, fmt.Errorf("kubectl %q: %w\n%s", args, err, exit.Stderr)
	}
	return out, err
}

// Get decodes what `kubectl get ARGS -o json` prints.
func (s *Stack) Get(ctx context.Context, into any, args ...string) error {
	out, err := s.Kubectl(ctx, nil, append(append([]string{"get"}, args...), "-o", "json")...)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, into)
}
