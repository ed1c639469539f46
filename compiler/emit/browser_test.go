package emit_test

import (
	"context"
	"flag"
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

	"github.com/darkstart-dev/darkstart/compiler/emit"
)

var shots = flag.String("shots", "", "write screenshots into this folder")

// browser starts one headless Chromium for a test, on an empty profile and
// with everything off that talks to the network by itself.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("Chromium is not installed (Debian: apt-get install chromium)")
		}
		t.Skip("Chromium is not installed, so no page was opened (Debian: apt-get install chromium)")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
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

// TestBrowser opens pages on a phone and a desktop, in light, dark and print.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	res := small(t, "pg_isready", "pg_isready "+longWord) // a word that does not fit a phone
	pages, _, _ := emit.Runbooks(res.Fleet, res.Plan)
	dir := t.TempDir()
	for _, path := range []string{"runbooks/index", "runbooks/bootstrap", "runbooks/region-lost.east/shop"} {
		file := filepath.Join(dir, filepath.Base(path)+".html")
		if err := os.WriteFile(file, html(t, page(t, pages, path).Runbook), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			width  int64
			scheme string
			media  string
		}{{390, "light", ""}, {390, "dark", ""}, {1280, "light", ""}, {1280, "dark", ""}, {794, "light", "print"}} {
			t.Run(fmt.Sprintf("%s/%d-%s%s", filepath.Base(path), v.width, v.scheme, v.media), func(t *testing.T) {
				tab, cancel := chromedp.NewContext(ctx)
				defer cancel()
				look(t, tab, file, v.width, v.scheme, v.media)
			})
		}
	}
}

const longWord = "averyveryveryveryveryveryveryveryveryveryveryveryveryverylongwordwithoutanybreak"

// look opens a page and demands: no request, no complaint, no sideways
// scrolling, a copy button at every command, and a picture with a name.
func look(t *testing.T, tab context.Context, file string, width int64, scheme, media string) {
	t.Helper()
	w := &watched{page: (&url.URL{Scheme: "file", Path: file}).String()}
	chromedp.ListenTarget(tab, w.event)
	var scroll int64
	var commands, buttons, unnamed int
	var png []byte
	err := chromedp.Run(tab,
		network.Enable(), log.Enable(), runtime.Enable(),
		emulation.SetDeviceMetricsOverride(width, 844, 1, width < 500),
		emulation.SetEmulatedMedia().WithMedia(media).WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate(w.page),
		chromedp.Evaluate(`document.documentElement.scrollWidth`, &scroll),
		chromedp.Evaluate(`document.querySelectorAll(".cmd").length`, &commands),
		chromedp.Evaluate(`document.querySelectorAll(".cmd button").length`, &buttons),
		chromedp.Evaluate(`[...document.querySelectorAll("svg")].filter(s => !s.querySelector("title") || !s.querySelector("desc").textContent).length`, &unnamed),
		chromedp.FullScreenshot(&png, 100),
	)
	if err != nil {
		t.Fatal(err)
	}
	w.Lock()
	defer w.Unlock()
	for _, b := range w.bad {
		t.Error(b)
	}
	if scroll > width {
		t.Errorf("the page is %d wide and scrolls sideways at %d", scroll, width)
	}
	if buttons != commands {
		t.Errorf("%d of %d commands have a copy button: the script did not run", buttons, commands)
	}
	if unnamed > 0 {
		t.Errorf("%d diagrams have no title or description", unnamed)
	}
	if *shots != "" {
		name := fmt.Sprintf("%s-%d-%s%s.png", filepath.Base(file), width, scheme, media)
		if err := os.WriteFile(filepath.Join(*shots, name), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
