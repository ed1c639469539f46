package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/darkstart-dev/darkstart/internal/testkit/browser"
)

// TestBrowser opens the page on a phone, a desktop and paper, light and dark: its
// style applied, and on paper nothing folded away.
func TestBrowser(t *testing.T) {
	b := browser.Start(t)
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, written(t, HTML, page()), 0o644); err != nil {
		t.Fatal(err)
	}
	backs := map[string]string{}
	for _, v := range browser.Views() {
		t.Run(v.String(), func(t *testing.T) {
			var back string
			var hidden int
			browser.Look(t, b, file, v,
				chromedp.Evaluate(`getComputedStyle(document.querySelector(".sum")).backgroundColor`, &back),
				chromedp.Evaluate(`[...document.querySelectorAll(".in")].filter(e => !e.checkVisibility({contentVisibilityAuto: true})).length`, &hidden),
			)
			if folded := v.Media != "print"; (hidden > 0) != folded {
				t.Errorf("%d folded parts are hidden", hidden)
			}
			backs[v.Scheme] = back
		})
	}
	if backs["light"] != "rgb(246, 248, 250)" || backs["dark"] != "rgb(21, 27, 35)" {
		t.Errorf("the style is not applied: %v", backs)
	}
}
