// Package registry starts registries for tests: one in this process, and two
// stock programs as processes of their own, distribution, which has no
// referrers API, and olareg, which has one. All listen on the loopback interface
// and end with the test.
package registry

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"golang.org/x/crypto/bcrypt"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// Handler is go-containerregistry's registry in memory, with or without the
// referrers API.
func Handler(referrers bool) http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(referrers))
}

// Serve starts a handler and returns its host.
func Serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// Memory starts Handler and returns its host.
func Memory(t testing.TB, referrers bool) string {
	t.Helper()
	return Serve(t, Handler(referrers))
}

// Login is whom a registry knows; the zero value lets everybody in.
type Login struct{ User, Password string }

// Process is a stock registry.
type Process struct {
	Host string
	Dir  string // what it stores
}

// Distribution starts distribution. A program that is not built skips the test.
func Distribution(t testing.TB, l Login) *Process {
	t.Helper()
	bin, dir := tools.Path(t, tools.Registry), t.TempDir()
	auth := ""
	if l != (Login{}) {
		hash, err := bcrypt.GenerateFromPassword([]byte(l.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		users := write(t, dir, "htpasswd", fmt.Appendf(nil, "%s:%s\n", l.User, hash))
		auth = fmt.Sprintf(`, "auth": {"htpasswd": {"realm": "test", "path": %q}}`, users)
	}
	store := filepath.Join(dir, "store")
	return start(t, store, func(port int) *exec.Cmd {
		config := write(t, dir, "config.json", fmt.Appendf(nil,
			`{"version": "0.1", "log": {"level": "error", "accesslog": {"disabled": true}}, "storage": {"filesystem": {"rootdirectory": %q}}, "http": {"addr": "127.0.0.1:%d"}%s}`,
			store, port, auth))
		cmd := exec.Command(bin, "serve", config)
		cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
		return cmd
	})
}

// Olareg starts olareg. A program that is not built skips the test.
func Olareg(t testing.TB) *Process {
	t.Helper()
	bin, dir := tools.Path(t, tools.Olareg), t.TempDir()
	return start(t, dir, func(port int) *exec.Cmd {
		return exec.Command(bin, "serve", "--addr", "127.0.0.1", "--port", fmt.Sprint(port), "--dir", dir, "--gc-frequency", "-1s")
	})
}

// start tries ports until the program answers on one: between choosing a free
// port and taking it another process may have it.
func start(t testing.TB, dir string, command func(port int) *exec.Cmd) *Process {
	t.Helper()
	for range 5 {
		port := free(t)
		host, cmd := fmt.Sprintf("127.0.0.1:%d", port), command(port)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = cmd.Wait() }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		if answers(host, ended) {
			return &Process{Host: host, Dir: dir}
		}
		_ = cmd.Process.Kill()
		<-ended
		t.Logf("%s did not start: %s", cmd.Path, said.String())
	}
	t.Fatal("the registry does not start")
	return nil
}

// answers waits until something speaks the protocol, or the process has ended.
func answers(host string, ended <-chan struct{}) bool {
	for range 300 {
		if resp, err := http.Get("http://" + host + "/v2/"); err == nil {
			resp.Body.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false
}

func free(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func write(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
