package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// pinning is what publish pins. It is made before anything is sent, so that
// nothing is published which cannot be pinned, and written when all of it is
// there: no pin names what an engine would wait for.
//
// What was released is in the records; where it goes is in the fleet as HEAD has
// it, which is where the pins are, too.
type pinning struct {
	p      *publishFlags
	head   *session
	res    *compiler.Result // of HEAD, its units
	wanted []compiler.Wanted

	all []pin // of every cluster
	due []pin // those that go below deploy/
}

// registry is "host/path", "" where there is none.
func (g *pinning) registry() string {
	if project := g.res.Units.Project; g.p.registry == "" && project != nil {
		return strings.TrimPrefix(project.Spec.Releases.Registry, "oci://")
	}
	return g.p.registry
}

// toFiles reports whether this goes into a layout or a tar, so that it is in no
// registry yet.
func (g *pinning) toFiles() bool { return g.p.layout != "" || g.p.tar != "" }

// prepare makes the pins of everything that is published, and chooses those that
// are due.
func (g *pinning) prepare(registry string, builds []*build) (diag.List, error) {
	if registry == "" || g.head.root() == "" {
		return nil, nil
	}
	due, err := g.clusters()
	if err != nil {
		return nil, err
	}
	for _, b := range builds {
		for _, x := range b.sealed {
			if x.Record.Artifact == ir.FleetArtifact {
				continue
			}
			files, ds, err := compiler.Pins(b.res, "oci://"+registry, x, pinned(g.head, g.p.deployDir))
			if err != nil || ds.HasErrors() {
				return ds, err
			}
			for _, f := range files {
				one := pin{x.Record.Artifact, x.Record.Serial, f}
				g.all = append(g.all, one)
				if slices.Contains(due, one.cluster) {
					g.due = append(g.due, one)
				}
			}
		}
	}
	return nil, nil
}

// clusters are those whose pins below deploy/ move: the first ring of each
// stream or that of --to, whom a hotfix was for, and who has what is renewed.
func (g *pinning) clusters() ([]string, error) {
	if g.toFiles() && g.p.to == "" {
		return nil, nil
	}
	history, ds := compiler.History(g.head.tree)
	if ds.HasErrors() {
		return nil, ds[0].Err()
	}
	var named []string
	if g.p.to != "" {
		var err error
		if named, err = ringNamed(g.res, g.p.to); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, w := range g.wanted {
		ring := named
		if g.p.to == "" {
			ring = firstRing(ringsOf(g.res), w.Release.Artifacts)
		}
		for _, c := range slices.Sorted(maps.Keys(w.Release.Artifacts)) {
			renews, err := g.names(c, history.Renewed(c)[1:])
			if err != nil {
				return nil, err
			}
			if renews || slices.Contains(ring, c) || g.p.to == "" && history.Hotfixed(c) {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// firstRing is the first ring that holds any of these artifacts.
func firstRing(rings [][]string, artifacts map[string]int) []string {
	for _, ring := range rings {
		if slices.ContainsFunc(ring, func(c string) bool { return artifacts[c] > 0 }) {
			return ring
		}
	}
	return nil
}

// names reports whether the pins of a cluster name one of these entries.
func (g *pinning) names(cluster string, entries []ir.Recorded) (bool, error) {
	files, err := pinned(g.head, g.p.deployDir)(cluster)
	if err != nil {
		return false, err
	}
	for _, f := range files {
		for _, m := range digestIn.FindAllSubmatch(f.Data, -1) {
			if slices.ContainsFunc(entries, func(e ir.Recorded) bool { return e.Manifest == digest.Digest(m[1]) }) {
				return true, nil
			}
		}
	}
	return false, nil
}

// write writes the pins, and says which.
func (g *pinning) write(inv *Invocation) error {
	for _, one := range g.all {
		target := filepath.Join(outDir(g.head, g.p.out), "deploy", one.cluster, filepath.FromSlash(one.file.Path))
		if _, err := writeChanged(target, one.file); err != nil {
			return err
		}
	}
	var wrote []string
	if len(g.due) > 0 {
		var err error
		if wrote, err = writePins(g.head, g.res, g.p.deployDir, g.due); err != nil {
			return err
		}
	}
	if g.p.in.quiet {
		return nil
	}
	at := shown(outDir(g.head, g.p.deployDir))
	switch {
	case g.head.root() == "":
		fmt.Fprintln(inv.Stderr, "nothing is pinned: a bare repository has no working tree to write pins to; publish again from a clone")
	case g.registry() == "":
		fmt.Fprintln(inv.Stderr, "nothing is pinned: a pin names a registry, and darkstart.cue sets no releases: registry")
	case g.toFiles() && g.p.to == "":
		fmt.Fprintf(inv.Stderr, "%s is as it was: a file is in no registry yet; the pins for then are in %s\n", at, shown(filepath.Join(outDir(g.head, g.p.out), "deploy")))
	case len(wrote) == 0:
		fmt.Fprintf(inv.Stderr, "%s is as it was: nothing is due for a pin, or it has it\n", at)
	}
	tellPins(inv.Stderr, wrote)
	return nil
}

// tellCarried says how pins follow what was carried, which no fleet stood by.
func (p *publishFlags) tellCarried(inv *Invocation) {
	if !p.in.quiet {
		fmt.Fprintf(inv.Stderr, "pin it, from a clone of the fleet: darkstart publish oci://%s (sends nothing more)\n", p.registry)
	}
}
