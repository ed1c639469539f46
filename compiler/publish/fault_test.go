package publish_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/publish"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
)

// faulty breaks some of the requests to a registry. Half of the breaks come
// after the registry has done what it was asked: the client cannot know.
type faulty struct {
	next   http.Handler
	rate   float64 // of the requests that break
	outage int64   // from this request on everything breaks; 0: never
	rng    func() float64
	seen   atomic.Int64
	broken atomic.Int64
	on     func(n int64) // called for each request
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := f.seen.Add(1)
	if f.on != nil {
		f.on(n)
	}
	if out := f.outage > 0 && n > f.outage; !out && f.rng() >= f.rate {
		f.next.ServeHTTP(w, r)
		return
	}
	f.broken.Add(1)
	switch int(f.rng() * 7) {
	case 0: // dropped before
		drop(w)
	case 1: // dropped after
		f.next.ServeHTTP(httptest.NewRecorder(), r)
		drop(w)
	case 2: // dropped while the body is on its way
		io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		drop(w)
	case 3:
		http.Error(w, "injected", http.StatusInternalServerError)
	case 4: // done, and then an error
		f.next.ServeHTTP(httptest.NewRecorder(), r)
		http.Error(w, "injected", http.StatusBadGateway)
	case 5:
		http.Error(w, "injected", http.StatusTooManyRequests)
	default: // half of the answer, slowly
		f.half(w, r)
	}
}

func drop(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		c.Close()
	}
}

func (f *faulty) half(w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	f.next.ServeHTTP(rec, r)
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	body := rec.Body.Bytes()
	if r.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(rec.Code)
	w.Write(body[:len(body)/2])
	http.NewResponseController(w).Flush()
	time.Sleep(5 * time.Millisecond)
	if f.rng() < 0.5 {
		drop(w)
		return
	}
	w.Write(body[len(body)/2:])
}

// registries are the two kinds: with the referrers API and without.
var registries = map[bool]string{true: "referrers API", false: "fallback tag"}

// runs of each kind, for each kind of registry: 200 in all.
const broken, outages, kills = 40, 30, 30

// TestFaults: 200 publishes under dropped connections, errors, throttling, slow
// and cut bodies, outages and kill -9 end complete or absent, and never with
// something that verifies in a release that is not whole. A run without faults
// then completes each.
func TestFaults(t *testing.T) {
	f := newFixture(t, 1)
	layout := f.write(t)
	var total, refused, partial atomic.Int64
	t.Run("all", func(t *testing.T) {
		for referrers, kind := range registries {
			for n := range broken + outages {
				t.Run(fmt.Sprintf("%s/%d", kind, n), func(t *testing.T) {
					t.Parallel()
					seed := rand.New(rand.NewPCG(uint64(n), 7))
					h := &faulty{next: registry.Handler(referrers), rate: 0.15, rng: locked(seed)}
					if n >= broken {
						h.outage = int64(n-broken)*4 + 1 // it takes about 110 requests
					}
					if !f.survive(t, h, func(host string) error { return f.push(t, host) }) {
						refused.Add(1)
					} else if h.broken.Load() == 0 {
						t.Error("nothing was broken: the test shows nothing")
					}
					total.Add(1)
				})
			}
			for n := range kills {
				t.Run(fmt.Sprintf("%s/kill/%d", kind, n), func(t *testing.T) {
					t.Parallel()
					h := &faulty{next: registry.Handler(referrers), rng: func() float64 { return 1 }}
					at := int64(n)*4 + 1
					run := func(host string) error { return killed(t, h, host, layout, at) }
					if !f.survive(t, h, run) {
						partial.Add(1)
					}
					total.Add(1)
				})
			}
		}
	})
	t.Logf("%d publishes: %d gave up, %d were killed half way", total.Load(), refused.Load(), partial.Load())
	if total.Load() != 2*(broken+outages+kills) || refused.Load() == 0 || partial.Load() == 0 {
		t.Error("that is not what the test is about")
	}
}

// survive publishes through a faulty server, judges what is there, publishes
// again without faults, and reports whether the first run succeeded.
func (f *fixture) survive(t *testing.T, h *faulty, run func(host string) error) bool {
	t.Helper()
	clean := registry.Serve(t, h.next)
	err := run(registry.Serve(t, h))
	n, bad := f.state(t, clean)
	if bad != nil {
		t.Fatalf("after %v: %v", err, bad)
	}
	if err == nil {
		f.complete(t, clean)
	}
	if again := f.push(t, clean); again != nil {
		t.Fatalf("a run without faults, after %v with %d verified: %v", err, n, again)
	}
	f.complete(t, clean)
	return err == nil
}

// push publishes; diagnostics become an error.
func (f *fixture) push(t testing.TB, host string) error {
	r, ds, err := publish.Push(context.Background(), f.items(t, host), nil)
	if err == nil && r == nil {
		err = errors.New(ds[0].Code + " " + ds[0].Message)
	}
	return err
}

// killed runs a publication in a process of its own and kills it with SIGKILL
// while the registry handles its request number at.
func killed(t *testing.T, h *faulty, host, layout string, at int64) error {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "PUBLISH_CHILD="+host, "PUBLISH_LAYOUT="+layout)
	started := make(chan struct{})
	h.on = func(n int64) {
		if n == at {
			<-started
			_ = cmd.Process.Kill() // it may have ended with this request
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	return cmd.Wait()
}

func locked(r *rand.Rand) func() float64 {
	lock := make(chan struct{}, 1)
	return func() float64 {
		lock <- struct{}{}
		defer func() { <-lock }()
		return r.Float64()
	}
}

// write puts the fixture into a layout, for children.
func (f *fixture) write(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "oci")
	l, err := seal.WriteLayout(t.Context(), dir, f.bundles)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range f.bundles {
		all := append(append([]oci.Artifact{}, f.claims[b.Record.Artifact]...), f.sigs[b.Record.Artifact]...)
		if err := l.Attach(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// child publishes a layout: the process that is killed.
func child(host string) int {
	items, err := childItems(host)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if r, ds, err := publish.Push(context.Background(), items, &publish.Config{Parallel: 2}); r == nil {
		fmt.Fprintln(os.Stderr, err, ds)
		return 1
	}
	return 0
}

func childItems(host string) ([]*publish.Item, error) {
	ctx := context.Background()
	l, err := oci.OpenLayout(os.Getenv("PUBLISH_LAYOUT"))
	if err != nil {
		return nil, err
	}
	list, err := l.List()
	if err != nil {
		return nil, err
	}
	var out []*publish.Item
	for _, d := range list {
		if d.ArtifactType != seal.ArtifactType {
			continue
		}
		b, _, err := seal.Load(ctx, l, d.Tag(), seal.Limits{})
		if err != nil {
			return nil, err
		}
		to, err := oci.OpenRepository(host+"/fleet/"+d.Tag(), nil)
		if err != nil {
			return nil, err
		}
		i := &publish.Item{Artifact: d.Tag(), Serial: b.Record.Serial, Bundle: b.Stored(), To: to}
		refs, err := l.Referrers(ctx, b.Digest())
		if err != nil {
			return nil, err
		}
		for _, r := range refs {
			m, err := l.Fetch(ctx, r, oci.MaxManifest)
			if err != nil {
				return nil, err
			}
			if r.ArtifactType != seal.MediaTypeSignature {
				what := "provenance"
				if c := claim(b, what); digest.Of(c.Manifest) != digest.Of(m) {
					what = "verdict"
				}
				i.Claims = append(i.Claims, claim(b, what))
			}
		}
		sigs, err := seal.Standing(ctx, l, b, nil)
		if err != nil {
			return nil, err
		}
		for _, s := range sigs {
			i.Signatures = append(i.Signatures, s.Referrer())
		}
		out = append(out, i)
	}
	return out, nil
}
