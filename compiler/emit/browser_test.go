package emit_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/internal/testkit/browser"
)

var shots = flag.String("shots", "", "write screenshots into this folder")

// TestBrowser opens pages on a phone and a desktop, in light, dark and print: a
// copy button at every command, and a picture with a name.
func TestBrowser(t *testing.T) {
	b := browser.Start(t)
	res := small(t, "pg_isready", "pg_isready "+longWord) // a word that does not fit a phone
	pages, _, _ := emit.Runbooks(res.Fleet, res.Plan)
	dir := t.TempDir()
	for _, path := range []string{"runbooks/index", "runbooks/bootstrap", "runbooks/region-lost.east/shop"} {
		file := filepath.Join(dir, filepath.Base(path)+".html")
		if err := os.WriteFile(file, html(t, page(t, pages, path).Runbook), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, v := range browser.Views() {
			t.Run(filepath.Base(path)+"/"+v.String(), func(t *testing.T) {
				var commands, buttons, unnamed int
				var png []byte
				browser.Look(t, b, file, v,
					chromedp.Evaluate(`document.querySelectorAll(".cmd").length`, &commands),
					chromedp.Evaluate(`document.querySelectorAll(".cmd button").length`, &buttons),
					chromedp.Evaluate(`[...document.querySelectorAll("svg")].filter(s => !s.querySelector("title") || !s.querySelector("desc").textContent).length`, &unnamed),
					chromedp.FullScreenshot(&png, 100),
				)
				if buttons != commands {
					t.Errorf("%d of %d commands have a copy button: the script did not run", buttons, commands)
				}
				if unnamed > 0 {
					t.Errorf("%d diagrams have no title or description", unnamed)
				}
				if *shots == "" {
					return
				}
				if err := os.WriteFile(filepath.Join(*shots, filepath.Base(file)+"-"+v.String()+".png"), png, 0o644); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

const longWord = "averyveryveryveryveryveryveryveryveryveryveryveryveryverylongwordwithoutanybreak"
