//go:build ignore

// Command gen writes the tables of this folder from the discovery documents
// that every Kubernetes release carries in its source.
//
//	go run gen.go "$(go mod download -json k8s.io/kubernetes@v1.36.3 | jq -r .Dir)" 1.36
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// stable is what a release serves by default: since 1.24 no beta API is on.
var stable = regexp.MustCompile(`__v[0-9]+\.json$`)

func main() {
	dir, version := os.Args[1], os.Args[2]
	files, err := filepath.Glob(filepath.Join(dir, "api", "discovery", "*.json"))
	if err != nil {
		log.Fatal(err)
	}
	var lines []string
	for _, f := range files {
		if stable.MatchString(f) {
			lines = append(lines, read(f)...)
		}
	}
	slices.Sort(lines)
	out := strings.Join(slices.Compact(lines), "\n") + "\n"
	if err := os.WriteFile(version+".txt", []byte(out), 0o644); err != nil {
		log.Fatal(err)
	}
}

func read(file string) (lines []string) {
	b, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	var list struct {
		GroupVersion string
		Resources    []struct {
			Name, Kind string
			Namespaced bool
		}
	}
	if err := json.Unmarshal(b, &list); err != nil {
		log.Fatal(err)
	}
	for _, r := range list.Resources {
		if strings.Contains(r.Name, "/") {
			continue // a subresource
		}
		scope := "cluster"
		if r.Namespaced {
			scope = "namespaced"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", list.GroupVersion, r.Kind, scope))
	}
	return lines
}
