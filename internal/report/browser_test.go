package report

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser starts one headless Chromium for a test, on an empty profile and with
// everything off that talks to the network by itself.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Chromium is not installed (Debian: apt-get install chromium)")
		}
		t.Skip("Chromium is not installed, so no page was opened (Debian: apt-get install chromium)")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(2*time.Minute))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
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

// TestBrowser opens the page on a phone, a desktop and paper, light and dark: no
// request, no complaint, no sideways scrolling, its style applied, and on paper
// nothing folded away.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, written(t, HTML, page()), 0o644); err != nil {
		t.Fatal(err)
	}
	backs := map[string]string{}
	for _, v := range []struct {
		width  int64
		scheme string
		media  string
	}{{390, "light", ""}, {390, "dark", ""}, {1280, "light", ""}, {1280, "dark", ""}, {794, "light", "print"}} {
		t.Run(fmt.Sprintf("%d-%s%s", v.width, v.scheme, v.media), func(t *testing.T) {
			tab, cancel := chromedp.NewContext(ctx)
			defer cancel()
			w := &watched{page: (&url.URL{Scheme: "file", Path: file}).String()}
			chromedp.ListenTarget(tab, w.event)
			var scroll int64
			var back string
			var hidden int
			err := chromedp.Run(tab,
				network.Enable(), log.Enable(), runtime.Enable(),
				emulation.SetDeviceMetricsOverride(v.width, 844, 1, v.width < 500),
				emulation.SetEmulatedMedia().WithMedia(v.media).WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}),
				chromedp.Navigate(w.page),
				chromedp.Evaluate(`document.documentElement.scrollWidth`, &scroll),
				chromedp.Evaluate(`getComputedStyle(document.querySelector(".sum")).backgroundColor`, &back),
				chromedp.Evaluate(`[...document.querySelectorAll(".in")].filter(e => !e.checkVisibility({contentVisibilityAuto: true})).length`, &hidden),
			)
			if err != nil {
				t.Fatal(err)
			}
			w.Lock()
			defer w.Unlock()
			for _, b := range w.bad {
				t.Error(b)
			}
			if scroll > v.width {
				t.Errorf("the page is %d wide and scrolls sideways at %d", scroll, v.width)
			}
			if folded := v.media != "print"; (hidden > 0) != folded {
				t.Errorf("%d folded parts are hidden", hidden)
			}
			backs[v.scheme] = back
		})
	}
	if backs["light"] != "rgb(246, 248, 250)" || backs["dark"] != "rgb(21, 27, 35)" {
		t.Errorf("the style is not applied: %v", backs)
	}
}
