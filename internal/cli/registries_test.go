package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// registries returns the environment in which every host below .example is a
// registry of its own, which begins empty, and no other host answers: a proxy
// stands between commands and a server with a certificate for those names. So
// commands name the hosts that people would, over TLS, with stock programs too.
func registries(t *testing.T) []string {
	t.Helper()
	server := httptest.NewUnstartedServer(&hosts{registries: map[string]http.Handler{}})
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	cert := certificate(t)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(tunnel(server.Listener.Addr().String()))
	t.Cleanup(proxy.Close)
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{
		"HTTPS_PROXY=" + proxy.URL, "https_proxy=", "HTTP_PROXY=" + proxy.URL, "http_proxy=", "NO_PROXY=", "no_proxy=",
		"SSL_CERT_FILE=" + file, "SSL_CERT_DIR=" + filepath.Dir(file),
	}
}

// hosts holds a registry for each host that is asked for.
type hosts struct {
	mu         sync.Mutex
	registries map[string]http.Handler
}

func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	to := h.registries[r.Host]
	if to == nil {
		to = registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
		h.registries[r.Host] = to
	}
	h.mu.Unlock()
	to.ServeHTTP(w, r)
}

// tunnel is a proxy that leads every host below .example to one address.
func tunnel(addr string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Host)
		if r.Method != http.MethodConnect || !strings.HasSuffix(host, ".example") {
			http.Error(w, "no such host here", http.StatusBadGateway)
			return
		}
		there, err := net.Dial("tcp", addr)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			there.Close()
			return
		}
		io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			io.Copy(there, here)
			there.Close()
		}()
		io.Copy(here, there)
		here.Close()
	}
}

// certificate is one for hosts below .example, signed by itself.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"registry.example", "registry.inside.example"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
