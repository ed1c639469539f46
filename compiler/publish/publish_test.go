package publish_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/publish"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
)

// writes counts requests that change something.
type writes struct {
	next http.Handler
	n    atomic.Int64
}

func (c *writes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		c.n.Add(1)
	}
	c.next.ServeHTTP(w, r)
}

// TestAgain: a second run writes nothing; one after another signature was made
// sends that alone.
func TestAgain(t *testing.T) {
	for referrers, kind := range registries {
		t.Run(kind, func(t *testing.T) {
			f := newFixture(t, 1)
			h := &writes{next: registry.Handler(referrers)}
			host := registry.Serve(t, h)
			first, ds, err := publish.Push(t.Context(), f.items(t, host), nil)
			if err != nil || ds != nil || first.New != 3 || first.Sent == 0 {
				t.Fatal(first, ds, err)
			}
			f.complete(t, host)
			h.n.Store(0)
			again, ds, err := publish.Push(t.Context(), f.items(t, host), nil)
			if err != nil || ds != nil || again.New != 0 || again.Sent != 0 || h.n.Load() != 0 {
				t.Errorf("a second run: %+v, %d writes, %v %v", again, h.n.Load(), ds, err)
			}
			f.add(t, "zz", 1)
			more, ds, err := publish.Push(t.Context(), f.items(t, host), nil)
			if err != nil || ds != nil || more.New != 1 || more.Sent > first.Sent/2 {
				t.Errorf("one new bundle: %+v of %+v, %v %v", more, first, ds, err)
			}
			f.complete(t, host)
		})
	}
}

// TestParallel: eight publishers of one release at once, each with signatures
// of its own, do no harm.
func TestParallel(t *testing.T) {
	for referrers, kind := range registries {
		t.Run(kind, func(t *testing.T) {
			host := registry.Serve(t, registry.Handler(referrers))
			f := newFixture(t, 1)
			var wait sync.WaitGroup
			for range 8 {
				for _, b := range f.bundles {
					f.sign(t, b)
				}
				items := f.items(t, host)
				wait.Go(func() {
					if r, ds, err := publish.Push(context.Background(), items, nil); r == nil {
						t.Error(ds, err)
					}
				})
			}
			wait.Wait()
			f.complete(t, host)
		})
	}
}

// TestRefused: what a registry can do wrong, and what is said of it. Nothing
// verifies then.
func TestRefused(t *testing.T) {
	answer := func(status int) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet || r.Method == http.MethodHead {
					next.ServeHTTP(w, r)
					return
				}
				http.Error(w, "no", status)
			})
		}
	}
	lies := func(method string, lie func(w http.ResponseWriter)) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == method && strings.Contains(r.URL.Path, "/manifests/sha256:") {
					lie(w)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	for _, c := range []struct {
		name, code, message, fix string
		around                   func(http.Handler) http.Handler
	}{
		{"401", "PUB003", "(401)", "docker login 127.0.0.1", answer(401)},
		{"403", "PUB003", "may not write to it (403)", "docker login 127.0.0.1", answer(403)},
		{"405", "PUB003", "takes no writes (405)", "read-only, or a mirror", answer(405)},
		{"413", "PUB003", "nothing as large as this (413)", "raise the limit", answer(413)},
		{"429", "PUB004", "too many requests (429)", "run the same command again", answer(429)},
		{"500", "PUB004", "500", "run the same command again", answer(500)},
		{"another digest", "PUB005", "other bytes", "report it", lies("PUT", func(w http.ResponseWriter) {
			w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
			w.WriteHeader(http.StatusCreated)
		})},
		{"taken and dropped", "PUB005", "", "report it", lies("PUT", func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) })},
		{"other bytes", "PUB005", "other bytes", "report it", lies("GET", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", oci.MediaTypeManifest)
			_, _ = w.Write([]byte("{}"))
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, 1)
			next := registry.Handler(true)
			r, ds, err := publish.Push(t.Context(), f.items(t, registry.Serve(t, c.around(next))), nil)
			if err != nil || r != nil || len(ds) != 1 {
				t.Fatal(r, ds, err)
			}
			d := ds[0]
			if d.Code != c.code || !strings.Contains(d.Message, c.message) || len(d.Help) == 0 || !strings.Contains(d.Help[0], c.fix) {
				t.Errorf("%s: %s, help %v", d.Code, d.Message, d.Help)
			}
			if n, err := f.state(t, registry.Serve(t, next)); n != 0 || err != nil {
				t.Errorf("%d verify: %v", n, err)
			}
		})
	}
}

// TestRetryAfter: a registry that asks for time gets it.
func TestRetryAfter(t *testing.T) {
	f := newFixture(t, 1)
	var turned atomic.Int64
	next := registry.Handler(true)
	host := registry.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && turned.Add(1)%2 == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	}))
	if err := f.push(t, host); err != nil || turned.Load() == 0 {
		t.Error(err)
	}
	f.complete(t, host)
}

// TestConflict: a serial never names two bundles, and not even bytes are sent.
func TestConflict(t *testing.T) {
	one, two := newFixture(t, 3), newFixture(t, 3)
	b := two.bundles[0]
	b.Record.Revision = strings.Repeat("b", 40)
	two.bundles = nil
	two.add(t, "eu", 3)
	two.bundles[0].Manifest = append(two.bundles[0].Manifest[:len(two.bundles[0].Manifest)-1], ' ', '}')
	h := &writes{next: registry.Handler(true)}
	host := registry.Serve(t, h)
	if err := one.push(t, host); err != nil {
		t.Fatal(err)
	}
	h.n.Store(0)
	_, ds, err := publish.Push(t.Context(), two.items(t, host), nil)
	if err != nil || len(ds) != 1 || ds[0].Code != "PUB002" || h.n.Load() != 0 {
		t.Errorf("%v %v, %d writes", ds, err, h.n.Load())
	}
	one.complete(t, host)
}

// TestCodes: every code is documented once.
func TestCodes(t *testing.T) {
	seen := map[string]diag.Entry{}
	for _, e := range publish.Codes {
		if _, twice := seen[e.Code]; twice || e.Why == "" || e.Fix == "" {
			t.Errorf("%+v", e)
		}
		seen[e.Code] = e
	}
}
