package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// pin is a file that pins an engine to a release of a cluster, with its path
// below the folder of that cluster.
type pin struct {
	cluster string
	serial  int
	file    ir.File
}

// pinned reads the pins of clusters below the deploy folder, as they are now.
func pinned(s *session, deployDir string) compiler.Pinned {
	return func(cluster string) ([]ir.File, error) {
		names, err := filepath.Glob(filepath.Join(outDir(s, deployDir), cluster, "*.yaml"))
		if err != nil {
			return nil, err
		}
		var out []ir.File
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			out = append(out, ir.File{Path: filepath.Base(name), Data: b})
		}
		return out, nil
	}
}

// writePins writes pins below the deploy folder, and the ApplicationSets that
// head asks for. Each file is replaced atomically, and only when all are known.
// It returns the files that have changed, as they are printed.
func writePins(s *session, head *compiler.Result, deployDir string, pins []pin) ([]string, error) {
	var wrote []string
	for _, p := range pins {
		target := filepath.Join(outDir(s, deployDir), p.cluster, filepath.FromSlash(p.file.Path))
		changed, err := writeChanged(target, p.file)
		if err != nil {
			return nil, err
		}
		if changed {
			wrote = append(wrote, fmt.Sprintf("%s (serial %d)", shown(target), p.serial))
		}
	}
	sets, err := writeSets(s, head, deployDir)
	return append(wrote, sets...), err
}

// tellPins says which pins were written, and what makes engines act on them.
func tellPins(w io.Writer, wrote []string) {
	for _, f := range wrote {
		fmt.Fprintf(w, "wrote %s\n", f)
	}
	if len(wrote) > 0 {
		fmt.Fprintln(w, "commit and push them: engines act on what is pushed")
	}
}

// ringsOf are the rings of a project. One that declares none is one ring.
func ringsOf(res *compiler.Result) [][]string {
	if p := res.Units.Project; p != nil && len(p.Spec.Rings) > 0 {
		return p.Spec.Rings
	}
	return [][]string{clustersOf(res)}
}

func clustersOf(res *compiler.Result) []string {
	var all []string
	for _, c := range res.Units.Clusters {
		all = append(all, c.Name)
	}
	return all
}

// ringNumber finds the ring that --to names, counting from 0.
func ringNumber(rings [][]string, to string) (int, error) {
	if n, err := strconv.Atoi(to); err == nil && n >= 1 && n <= len(rings) {
		return n - 1, nil
	}
	if i := slices.IndexFunc(rings, func(r []string) bool { return slices.Contains(r, to) }); i >= 0 {
		return i, nil
	}
	return 0, fmt.Errorf("--to %q is no ring: want a number from 1 to %d, or one of the clusters %v", to, len(rings), slices.Concat(rings...))
}

// ringNamed returns the clusters of the ring that --to names, or all there are.
func ringNamed(res *compiler.Result, to string) ([]string, error) {
	if to == "all" {
		return clustersOf(res), nil
	}
	rings := ringsOf(res)
	n, err := ringNumber(rings, to)
	if err != nil {
		return nil, fmt.Errorf("%w, or all", err)
	}
	return rings[n], nil
}

// writeSets writes the ApplicationSets that the pins below the deploy folder
// amount to, if the project asks for them, and returns what it wrote.
func writeSets(s *session, res *compiler.Result, deployDir string) ([]string, error) {
	files, err := compiler.ApplicationSets(res, pinned(s, deployDir))
	if err != nil {
		return nil, err
	}
	var wrote []string
	for _, f := range files {
		target := filepath.Join(outDir(s, deployDir), filepath.FromSlash(f.Path))
		changed, err := writeChanged(target, f)
		if err != nil {
			return nil, err
		}
		if changed {
			wrote = append(wrote, shown(target))
		}
	}
	return wrote, nil
}

// writeChanged writes a file unless it is there as it is to be.
func writeChanged(target string, f ir.File) (bool, error) {
	old, err := os.ReadFile(target)
	if err == nil && bytes.Equal(old, f.Data) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, writeFile(target, f.Data)
}
