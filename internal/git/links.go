package git

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Limits on paths and links: git's own for a path, Linux's for a chain, and one
// against folders of links to folders of links, which double at each level.
const (
	maxPath     = 4096
	maxLink     = 4096
	maxHops     = 40
	maxExpanded = 50_000
)

// resolveLinks replaces every link by regular entries for what it leads to, so
// that stages see none: a link is a way out of the tree, and file systems
// disagree about it. Links are followed in the listing, never on a disk.
func (l *listing) resolveLinks() {
	if len(l.links) == 0 {
		return
	}
	x := &expander{links: l.links, files: make(map[string]tree.Entry, len(l.entries)), budget: maxExpanded}
	for _, e := range l.entries {
		x.files[e.Path] = e
		x.paths = append(x.paths, e.Path)
	}
	x.paths = append(x.paths, slices.Collect(maps.Keys(l.links))...)
	slices.Sort(x.paths)
	for _, name := range slices.Sorted(maps.Keys(l.links)) {
		es, d := x.expand(name)
		if d != nil {
			l.diags.Add(d)
			continue
		}
		l.entries = append(l.entries, es...)
	}
}

type expander struct {
	files  map[string]tree.Entry
	links  map[string]string
	paths  []string // files and links, sorted
	budget int
}

// expand returns the entries that stand for the link name.
func (x *expander) expand(name string) ([]tree.Entry, *diag.Diagnostic) {
	return x.copyTo(name, name, nil, name)
}

// copyTo lists what lies at the link at, as if it lay at dest. active holds the
// folders being copied: meeting one again is a cycle.
func (x *expander) copyTo(dest, at string, active []string, link string) ([]tree.Entry, *diag.Diagnostic) {
	real, d := x.follow(at, link)
	if d != nil {
		return nil, d
	}
	if e, ok := x.files[real]; ok {
		e.Path = dest
		return x.spend([]tree.Entry{e}, link)
	}
	for _, a := range append(active, path.Dir(at)) {
		if real == "." || a == real || strings.HasPrefix(a, real+"/") {
			return nil, linkCycle(link, x.links[link])
		}
	}
	below := x.below(real)
	if len(below) == 0 {
		return nil, linkDangling(link, x.links[link])
	}
	var out []tree.Entry
	for _, p := range below {
		to := dest + strings.TrimPrefix(p, real)
		es := []tree.Entry{{}}
		if _, ok := x.links[p]; ok {
			es, d = x.copyTo(to, p, append(slices.Clone(active), real), link)
		} else {
			es[0] = x.files[p]
			es[0].Path = to
			es, d = x.spend(es, link)
		}
		if d != nil {
			return nil, d
		}
		out = append(out, es...)
	}
	return out, nil
}

func (x *expander) spend(es []tree.Entry, link string) ([]tree.Entry, *diag.Diagnostic) {
	if x.budget -= len(es); x.budget < 0 {
		return nil, linkCycle(link, x.links[link]).
			Note("links stand for more than %d files in all", maxExpanded)
	}
	return es, nil
}

func (x *expander) below(dir string) []string {
	lo, _ := slices.BinarySearch(x.paths, dir+"/")
	hi, _ := slices.BinarySearch(x.paths, dir+"0") // '0' follows '/'
	return x.paths[lo:hi]
}

// follow walks name component by component through links and returns a path
// that has none left; it need not exist.
func (x *expander) follow(name, link string) (string, *diag.Diagnostic) {
	rest, done := strings.Split(name, "/"), "."
	for hops := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if done == "." {
				return "", linkOutside(link, x.links[link])
			}
			done = path.Dir(done)
			continue
		}
		done = path.Join(done, part)
		target, ok := x.links[done]
		if !ok {
			continue
		}
		if hops++; hops > maxHops {
			return "", linkCycle(link, x.links[link])
		}
		if strings.HasPrefix(target, "/") || target == "" {
			return "", linkOutside(link, x.links[link])
		}
		rest = append(strings.Split(target, "/"), rest...)
		done = path.Dir(done)
	}
	return done, nil
}
