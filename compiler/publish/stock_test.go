package publish_test

import (
	"fmt"
	"io"
	"log"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/publish"
	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
)

// TestStockRegistries: distribution, without the referrers API, and olareg, with
// it, as processes of their own. A publish that is killed resumes, a second run
// sends nothing, and one new bundle costs what it weighs.
func TestStockRegistries(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1)
	layout := f.write(t)
	for kind, start := range map[string]func(*testing.T) *registry.Process{
		"distribution": func(t *testing.T) *registry.Process { return registry.Distribution(t, registry.Login{}) },
		"olareg":       func(t *testing.T) *registry.Process { return registry.Olareg(t) },
	} {
		for _, at := range []int64{5, 45, 85} { // while bundles, claims and signatures go up
			t.Run(fmt.Sprintf("%s/killed at %d", kind, at), func(t *testing.T) {
				t.Parallel()
				proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: start(t).Host})
				proxy.ErrorLog = log.New(io.Discard, "", 0)
				h := &faulty{next: proxy, rng: func() float64 { return 1 }}
				if f.survive(t, h, func(host string) error { return killed(t, h, host, layout, at) }) {
					t.Error("nothing was killed: the test shows nothing")
				}
			})
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f, host := newFixture(t, 1), start(t).Host
			first, ds, err := publish.Push(t.Context(), f.items(t, host), nil)
			if first == nil || first.New != 3 || first.Sent == 0 {
				t.Fatal(first, ds, err)
			}
			f.complete(t, host)
			again, ds, err := publish.Push(t.Context(), f.items(t, host), nil)
			if again == nil || again.New != 0 || again.Sent != 0 {
				t.Errorf("a second run: %+v %s %v", again, ds, err)
			}
			f.add(t, "zz", 1)
			more, ds, err := publish.Push(t.Context(), f.items(t, host), nil)
			if more == nil || more.New != 1 || more.Sent > first.Sent/2 {
				t.Errorf("one new bundle: %+v of %+v %s %v", more, first, ds, err)
			}
			f.complete(t, host)
		})
	}
}
