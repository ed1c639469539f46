package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

// RedisServer is the one program that no Go module has: Argo CD's cache.
const RedisServer = "redis-server"

// ArgoCDUser is who applies on behalf of Argo CD.
const ArgoCDUser = "argocd-application-controller"

// ArgoCD starts Argo CD's controllers, its repo-server and Redis. Their
// definitions must be established, and what they read in the namespace argocd
// be there.
func (s *Stack) ArgoCD(ctx context.Context) error {
	a, err := addresses(7)
	if err != nil {
		return err
	}
	redis, repo := a[0], a[1]
	if err := s.redis(ctx, redis); err != nil {
		return err
	}
	if err := s.argocd("argocd-repo-server",
		append(bound("", repo), append(bound("metrics-", a[2]), "--redis="+redis)...)...); err != nil {
		return err
	}
	// It has a flag for the port of its metrics and none for the address, which is
	// 0.0.0.0: the one listener here that other machines could reach.
	if err := s.argocd(ArgoCDUser, append(port("metrics-", a[3]), "--namespace=argocd", "--redis="+redis, "--repo-server="+repo)...); err != nil {
		return err
	}
	if err := s.argocd("argocd-applicationset-controller", "--namespace=argocd",
		"--metrics-addr="+a[4], "--probe-addr="+a[5], "--webhook-addr="+a[6], "--argocd-repo-server="+repo); err != nil {
		return err
	}
	for name, url := range map[string]string{
		"argocd-repo-server": "http://" + a[2] + "/healthz", ArgoCDUser: "http://" + a[3] + "/healthz",
		"argocd-applicationset-controller": "http://" + a[4] + "/metrics", // it has no check of its own
	} {
		if err := s.ready(ctx, name, url); err != nil {
			return err
		}
	}
	return nil
}

// bound are the flags of a listener's address and port.
func bound(prefix, addr string) []string {
	host, _, _ := net.SplitHostPort(addr)
	return append(port(prefix, addr), "--"+prefix+"address="+host)
}

func port(prefix, addr string) []string {
	_, port, _ := net.SplitHostPort(addr)
	return []string{"--" + prefix + "port=" + port}
}

// argocd starts one of the programs that the executable is, as a user of that
// name. Argo CD writes into fixed places unless told others.
func (s *Stack) argocd(name string, args ...string) error {
	bin, err := programs.ArgoCD.Path(s.base)
	if err != nil {
		return err
	}
	config, err := s.kubeconfig(name, "system:masters")
	if err != nil {
		return err
	}
	dir := filepath.Join(s.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	env := []string{
		"ARGOCD_BINARY_NAME=" + name, "ARGOCD_GPG_ENABLED=false", "KUBECONFIG=" + config, "TMPDIR=" + dir,
		"ARGOCD_TLS_DATA_PATH=" + dir, "ARGOCD_SSH_DATA_PATH=" + dir, "ARGOCD_PLUGINSOCKFILEPATH=" + dir,
		"ARGOCD_ASK_PASS_SOCK=" + name + ".sock", // relative: the path of a socket may not be long
		"PATH=" + filepath.Dir(s.Program(programs.Kustomize)) + ":" + os.Getenv("PATH"),
	}
	return s.run(name, env, append([]string{bin}, args...)...)
}

// Credential issues a certificate for a user and returns it as Argo CD reads it
// from a cluster's Secret.
func (s *Stack) Credential(user string) (string, error) {
	if err := s.ca.client(user, "system:masters"); err != nil {
		return "", err
	}
	config := map[string][]byte{} // JSON has bytes in base64
	for field, name := range map[string]string{"caData": "ca.crt", "certData": user + ".crt", "keyData": user + ".key"} {
		b, err := os.ReadFile(s.ca.path(name))
		if err != nil {
			return "", err
		}
		config[field] = b
	}
	b, err := json.Marshal(map[string]any{"tlsClientConfig": config})
	return string(b), err
}

// redis starts a Redis that keeps nothing on disk.
func (s *Stack) redis(ctx context.Context, addr string) error {
	bin, err := exec.LookPath(RedisServer)
	if err != nil {
		return fmt.Errorf("%w (Debian: apt-get install redis-server)", err)
	}
	host, port, _ := net.SplitHostPort(addr)
	if err := s.run(RedisServer, nil, bin, "--bind", host, "--port", port, "--save", "", "--appendonly", "no"); err != nil {
		return err
	}
	return s.wait(ctx, RedisServer, addr, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}
