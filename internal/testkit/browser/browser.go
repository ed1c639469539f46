// Package browser opens pages in a real browser: what a person would see, and
// what a page must not do, is judged there and nowhere else.
package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// View is how a page is looked at.
type View struct {
	Width         int64 // of the window, in CSS pixels
	Scheme, Media string
}

// String names the view, for subtests and files.
func (v View) String() string { return fmt.Sprintf("%d-%s%s", v.Width, v.Scheme, v.Media) }

// Views are a phone and a desktop, light and dark, and paper.
func Views() []View {
	return []View{{390, "light", ""}, {390, "dark", ""}, {1280, "light", ""}, {1280, "dark", ""}, {794, "light", "print"}}
}

// Start starts one headless Chromium for a test, on an empty profile and
// with everything off that talks to the network by itself.
func Start(t testing.TB) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		tools.Missing(t, "Chromium is not installed, so no page was opened (Debian: apt-get install chromium)")
	}
	profile := t.TempDir()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(2*time.Minute))...)
	t.Cleanup(func() {
		cancel()
		settle(profile)
	})
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		chromedp.Cancel(ctx) //nolint:errcheck // it is ended by force next
		cancel()
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// settle removes a profile that helpers of an ended browser still write to for a
// moment; whatever is left then is for the test to find.
func settle(profile string) {
	for range 50 {
		if os.RemoveAll(profile) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// watched collects what a page should not do.
type watched struct {
	sync.Mutex
	page string
	bad  []string
}

func (w *watched) event(ev any) {
	w.Lock()
	defer w.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		if e.Request.URL != w.page {
			w.bad = append(w.bad, "request: "+e.Request.URL)
		}
	case *runtime.EventConsoleAPICalled:
		w.bad = append(w.bad, fmt.Sprintf("console: %s %v", e.Type, e.Args))
	case *runtime.EventExceptionThrown:
		w.bad = append(w.bad, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		w.bad = append(w.bad, "log: "+e.Entry.Text)
	}
}

// Look opens a file in a browser of Start and does more there. It demands what
// every page of ours keeps to: no request, no complaint, no sideways scrolling.
func Look(t testing.TB, browser context.Context, file string, v View, more ...chromedp.Action) {
	t.Helper()
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	w := &watched{page: (&url.URL{Scheme: "file", Path: file}).String()}
	chromedp.ListenTarget(tab, w.event)
	var scroll int64
	actions := append([]chromedp.Action{
		network.Enable(), log.Enable(), runtime.Enable(),
		emulation.SetDeviceMetricsOverride(v.Width, 844, 1, v.Width < 500),
		emulation.SetEmulatedMedia().WithMedia(v.Media).WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.Scheme}}),
		chromedp.Navigate(w.page),
		chromedp.Evaluate(`document.documentElement.scrollWidth`, &scroll),
	}, more...)
	if err := chromedp.Run(tab, actions...); err != nil {
		t.Fatal(err)
	}
	w.Lock()
	defer w.Unlock()
	for _, b := range w.bad {
		t.Error(b)
	}
	if scroll > v.Width {
		t.Errorf("the page is %d wide and scrolls sideways at %d", scroll, v.Width)
	}
}
