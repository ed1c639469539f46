// Package stack runs a Kubernetes control plane, a registry and the controllers of
// Flux and Argo CD as plain processes on free ports of the loopback address: no
// container, no root, no kubelet. KWOK plays nodes and pods: a Deployment
// becomes Available because KWOK says that its pods run.
package stack

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/darkstart-dev/darkstart/internal/e2e/programs"
)

// Stack is what runs.
type Stack struct {
	Dir      string // state, logs, certificates
	Registry string // host:port of the registry that was started
	Server   string // URL of the API server

	name  string // of the cluster: the context of kubeconfigs
	base  string // where programs are kept
	ca    *authority
	group *Group
	procs map[string]*Process
}

// patience is how long a process may take to become ready; the API server on
// a busy machine needs most.
const patience = 3 * time.Minute

// New prepares a stack below dir for a cluster of that name: certificates, nothing
// running. base is where
// package programs keeps executables.
func New(dir, base, name string) (*Stack, error) {
	ca, err := newAuthority(filepath.Join(dir, "pki"))
	if err != nil {
		return nil, err
	}
	if err := ca.client("admin", "system:masters"); err != nil {
		return nil, err
	}
	if err := ca.accounts(); err != nil {
		return nil, err
	}
	group, err := NewGroup(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	return &Stack{Dir: dir, name: name, base: base, ca: ca, group: group, procs: map[string]*Process{}}, nil
}

// Stop ends all processes.
func (s *Stack) Stop() { s.group.Stop() }

// Processes returns the names of what runs, with resident memory in bytes.
func (s *Stack) Processes() map[string]int64 {
	out := make(map[string]int64, len(s.procs))
	for name, p := range s.procs {
		out[name] = p.Memory()
	}
	return out
}

// Health returns the error of a process that has ended.
func (s *Stack) Health() error {
	for _, p := range s.procs {
		if err := p.Ended(); err != nil {
			return err
		}
	}
	return nil
}

// Program returns the path of a stock program.
func (s *Stack) Program(p programs.Program) string {
	path, err := p.Path(s.base)
	if err != nil {
		return p.Name // the caller's exec then says that it is not there
	}
	return path
}

// Asset returns a folder that a program brings.
func (s *Stack) Asset(p programs.Program, name string) string { return p.Asset(s.base, name) }

// Env is the environment of every process: nothing of the user's own.
func (s *Stack) Env(extra ...string) []string {
	return append([]string{
		"HOME=" + s.Dir, "TUF_ROOT=" + filepath.Join(s.Dir, "tuf"), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "TZ=UTC",
	}, extra...)
}

// start starts a stock program.
func (s *Stack) start(p programs.Program, env []string, args ...string) error {
	bin, err := p.Path(s.base)
	if err != nil {
		return err
	}
	return s.run(p.Name, env, append([]string{bin}, args...)...)
}

func (s *Stack) run(name string, env []string, argv ...string) error {
	proc, err := s.group.Start(name, s.Env(env...), argv...)
	if err != nil {
		return err
	}
	s.procs[name] = proc
	return nil
}

// ready waits until url answers 200, or the process has ended.
func (s *Stack) ready(ctx context.Context, name, url string) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	return s.wait(ctx, name, url, func() bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// wait waits until a process answers at a place, or has ended.
func (s *Stack) wait(ctx context.Context, name, place string, answers func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if err := s.procs[name].Ended(); err != nil {
			return err
		}
		if answers() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %v: %s\n%s", name, patience, place, s.procs[name].tail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// client speaks to the servers of this stack as the administrator.
func (s *Stack) client() (*http.Client, error) {
	cert, err := tls.LoadX509KeyPair(s.ca.path("admin.crt"), s.ca.path("admin.key"))
	if err != nil {
		return nil, err
	}
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: s.ca.pool(), Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
	}}}, nil
}

// address returns a free loopback address. Another process may take it before
// it is used; that ends the run with the server's own message.
func address() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// addresses returns n free addresses, all different.
func addresses(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // after all are chosen
		out = append(out, l.Addr().String())
	}
	return out, nil
}
