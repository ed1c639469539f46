// Command gen makes the archives in schemas/kubernetes from the OpenAPI v3
// and discovery documents that every Kubernetes release carries in its module.
//
//	cd schemas/kubernetes/gen && go run .
//
// An archive is a gzipped text of lines: first an index (the kinds that the
// release serves, then the names of the definitions), then one definition a
// line in the order of the index. A reader splits lines and decodes only the
// definitions that the kinds at hand reach.
//
// Descriptions, list kinds and patch hints are left out: they are nine tenths
// of the bytes and judge nothing. Output depends on the module versions below
// alone, so that a second run is a no-op that a reviewer can repeat.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// releases are the sources, one a minor release. Older minors keep their last
// patch; the newest moves with its own.
var releases = []string{"v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3", "v1.37.2"}

// Source is the provenance of one archive.
type Source struct {
	Kubernetes string `json:"kubernetes"` // "1.33"
	Module     string `json:"module"`
	Version    string `json:"version"`
	Sum        string `json:"sum"`     // as in go.sum
	Archive    string `json:"archive"` // file name
	Kinds      int    `json:"kinds"`
}

func main() {
	if err := run(".."); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	var sources []Source
	var newer map[string]*schema
	for _, version := range slices.Backward(releases) {
		src, definitions, err := generate(out, version, newer)
		if err != nil {
			return fmt.Errorf("%s: %w", version, err)
		}
		sources, newer = append(sources, src), definitions
	}
	slices.Reverse(sources)
	if err := writeJSON(filepath.Join(out, "provenance.json"), sources); err != nil {
		return err
	}
	return writeJSON(filepath.Join(out, "lifecycle.json"), lifecycle())
}

// generate writes the archive of one release and returns its definitions. The
// next newer release's correct what it calls required.
func generate(out, version string, newer map[string]*schema) (Source, map[string]*schema, error) {
	mod, err := download("k8s.io/kubernetes@" + version)
	if err != nil {
		return Source{}, nil, err
	}
	definitions, err := loadDefinitions(filepath.Join(mod.Dir, "api", "openapi-spec", "v3"))
	if err != nil {
		return Source{}, nil, err
	}
	if err := addEnums(mod.Dir, definitions); err != nil {
		return Source{}, nil, err
	}
	correctRequired(definitions, newer)
	archive, kinds, err := archive(mod.Dir, version, definitions)
	if err != nil {
		return Source{}, nil, err
	}
	minor := strings.TrimPrefix(version[:strings.LastIndexByte(version, '.')], "v")
	name := "v" + minor + ".gz"
	return Source{
		Kubernetes: minor, Module: mod.Path, Version: version, Sum: mod.Sum,
		Archive: name, Kinds: kinds,
	}, definitions, os.WriteFile(filepath.Join(out, name), archive, 0o644)
}

type module struct{ Path, Dir, Sum string }

func download(query string) (m module, err error) {
	raw, err := exec.Command("go", "mod", "download", "-json", query).Output()
	if err != nil {
		return m, fmt.Errorf("download %s: %w\n%s", query, err, raw)
	}
	return m, json.Unmarshal(raw, &m)
}

// archive builds the bytes of one archive and counts its kinds.
func archive(dir, version string, definitions map[string]*schema) ([]byte, int, error) {
	kinds, err := loadKinds(filepath.Join(dir, "api", "discovery", "aggregated_v2.json"), definitions)
	if err != nil {
		return nil, 0, err
	}
	names := reachable(kinds, definitions)
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(Index{Kubernetes: version, Kinds: kinds, Definitions: names}); err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		if err := enc.Encode(definitions[name].compact()); err != nil {
			return nil, 0, err
		}
	}
	zipped, err := compress(text.Bytes())
	return zipped, len(kinds), err
}

func compress(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// reachable lists the definitions that some kind refers to, sorted.
func reachable(kinds []Kind, definitions map[string]*schema) []string {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		definitions[name].refs(visit)
	}
	for _, k := range kinds {
		visit(k.Definition)
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
