package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// pagePath is the story as the last run with -update told it.
const pagePath = "../../docs/e2e.md"

// page is the story of a run: what was done and seen, with times. A run
// without -update must tell the same story; only its figures may differ.
type page struct {
	strings.Builder
	start time.Time
}

const preamble = `# End to end

<!-- Written by "make e2e-update"; "make e2e" fails when a run tells another story. -->

Flux and Argo CD as their authors ship them, real API servers, and a fleet that
` + "`darkstart init`" + ` wrote: what this page says happened, happened in a run of
` + "`make e2e`" + `, and happens again in every one, or the run fails. The figures are
those of one run, on two cores.

What runs, each a plain process on 127.0.0.1, built from the Go module proxy
(Redis alone is Debian's):

%s
There is no kubelet and no container. KWOK plays the nodes and the pods: a
Deployment is Available because the real controller manager counts pods that
KWOK says are running. Nothing here proves that an image starts. Flux's own
Deployments are played the same way; the two controllers that act are
processes beside them. The disks are plain PersistentVolumes that nobody
mounts. Everything else (admission, ordering, health, pruning, signatures) is
decided by the stock programs.

The evidence is the API server's audit log: who changed which object when, to
the microsecond.

Each engine has a cluster of its own, of the same programs: two engines on one
would take each other's objects away. They run beside each other; the page
tells first what Flux did.
`

func (p *page) chapter(title, text string) {
	fmt.Fprintf(p, "\n## %s\n\n%s\n", title, wrap(text))
}

// say adds one thing that was seen.
func (p *page) say(format string, args ...any) {
	fmt.Fprintf(p, "- %s\n", strings.ReplaceAll(wrap(fmt.Sprintf(format, args...)), "\n", "\n  "))
}

// took ends a chapter.
func (p *page) took(d time.Duration) { fmt.Fprintf(p, "\nTook %s.\n", seconds(d)) }

// memory tells what each process took, when the story was told.
func (p *page) memory(worlds []*world) {
	head, rule, all := "| process |", "|---|", map[string]bool{}
	for i, w := range worlds {
		head, rule = head+" "+tracks[i].name+" |", rule+"---:|"
		for name := range w.Processes() {
			all[name] = true
		}
	}
	fmt.Fprintf(p, "\n## What it takes\n\nResident memory of each process at the end, by track: each has an API server of its own.\n\n%s\n%s\n", head, rule)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		row := "| " + name + " |"
		for _, w := range worlds {
			if n, runs := w.Processes()[name]; runs {
				row += fmt.Sprintf(" %d MB", n>>20)
			}
			row += " |"
		}
		fmt.Fprintln(p, row)
	}
}

// seconds prints a duration as the page does; masked in comparisons.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// wrap breaks a paragraph at 80 columns.
func wrap(text string) string {
	var b strings.Builder
	col := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case col+1+len(word) > 78:
			b.WriteByte('\n')
			col = 0
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += len(word)
	}
	return b.String()
}

// figures are what differs between two runs that tell the same story. A figure
// of another width moves the line breaks, so space is compared as one space.
var figures = regexp.MustCompile(`[0-9][0-9.]* (s|ms|MB)\b`)

func masked(b []byte) string {
	return figures.ReplaceAllString(strings.Join(strings.Fields(string(b)), " "), "N $1")
}

// sameStory says where two stories part.
func sameStory(want, got []byte) error {
	w, g := masked(want), masked(got)
	if w == g {
		return nil
	}
	i := 0
	for i < min(len(w), len(g)) && w[i] == g[i] {
		i++
	}
	from := max(0, i-80)
	return fmt.Errorf("%s tells another story than this run; if this run is right: make e2e-update\n the page: …%s\n this run: …%s",
		pagePath, w[from:min(len(w), i+120)], g[from:min(len(g), i+120)])
}

// finish writes the page, or compares with it.
func (p *page) finish(update bool) error {
	got := []byte(p.String())
	want, err := os.ReadFile(pagePath)
	if update {
		if bytes.Equal(want, got) {
			return nil
		}
		return os.WriteFile(pagePath, got, 0o644)
	}
	if err != nil {
		return err
	}
	return sameStory(want, got)
}
