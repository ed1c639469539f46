// Package corpus builds fleets over a folder of real manifests, written as a
// user of kustomize writes them: one base a file, one overlay for each cluster
// and component with a label, pinned images, replicas and a patch.
//
// Tests and benchmarks share it, so that what is measured is what is tested.
package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Dir returns the folder of manifests beside the repository that holds dir,
// or "" when it is not there.
func Dir(dir string) string {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			m := filepath.Join(filepath.Dir(d), "shared", "corpus", "manifests")
			if fi, err := os.Stat(m); err == nil && fi.IsDir() {
				return m
			}
			return ""
		}
		if d == filepath.Dir(d) {
			return ""
		}
	}
}

// Options of Fleet.
type Options struct {
	Clusters int
	// Kubernetes is the version that every cluster declares.
	Kubernetes string
}

// Fleet returns the files of a fleet whose components are the *.yaml files of
// dir, each rendered through an overlay of its own in every cluster.
func Fleet(dir string, o Options) (map[string][]byte, error) {
	manifests, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(manifests) == 0 {
		return nil, fmt.Errorf("no *.yaml in %s", dir)
	}
	files := map[string][]byte{
		"cue.mod/module.cue": []byte("module: \"corpus.example@v0\"\nlanguage: version: \"v0.17.0\"\n"),
	}
	lock := map[string]map[string]string{}
	var components []component
	for _, m := range manifests {
		b, err := os.ReadFile(m)
		if err != nil {
			return nil, err
		}
		c := component{strings.TrimSuffix(filepath.Base(m), ".yaml"), imagesIn(b), nil}
		if c.deployments, err = deploymentsIn(b); err != nil {
			return nil, fmt.Errorf("%s: %w", m, err)
		}
		components = append(components, c)
		for _, ref := range c.images {
			repo, _ := split(ref)
			lock[repo] = map[string]string{"digest": digestOf(repo)}
		}
		files["components/"+c.name+"/manifest.yaml"] = b
		files["components/"+c.name+"/kustomization.yaml"] = kustomization("resources:\n  - manifest.yaml\n")
	}
	for i := range o.Clusters {
		cluster := ClusterName(i)
		files["clusters/"+cluster+"/cluster.cue"] = clusterCUE(cluster, o.Kubernetes, components)
		for _, c := range components {
			files[OverlayDir(cluster, c.name)+"/kustomization.yaml"] = overlay(cluster, c, i)
		}
	}
	files["darkstart.lock"], err = json.MarshalIndent(map[string]any{"version": "darkstart.dev/lock/v1", "images": lock}, "", "  ")
	return files, err
}

// ClusterName is the name of the i-th cluster.
func ClusterName(i int) string { return fmt.Sprintf("c%04d", i) }

// OverlayDir is the folder that `kustomize build` takes for a component of a
// cluster.
func OverlayDir(cluster, component string) string { return "overlays/" + cluster + "/" + component }

// component is what an overlay has to know about a manifest.
type component struct {
	name        string
	images      []string
	deployments []string
}

func kustomization(body string) []byte {
	return []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + body)
}

func clusterCUE(name, kubernetes string, components []component) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "package clusters\n\nkubernetes: %q\ncomponents: {\n", kubernetes)
	for _, c := range components {
		fmt.Fprintf(&b, "\t%q: source: kustomize: %q\n", c.name, OverlayDir(name, c.name))
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

// overlay is what a cluster changes of a component: a label on everything, the
// digests of its images, one replica count and one patch.
func overlay(cluster string, c component, i int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "resources:\n  - ../../../components/%s\nlabels:\n  - pairs: {fleet.example/cluster: %s}\n", c.name, cluster)
	if len(c.images) > 0 {
		b.WriteString("images:\n")
	}
	done := map[string]bool{}
	for _, ref := range c.images {
		repo, _ := split(ref)
		if !done[repo] {
			done[repo] = true
			fmt.Fprintf(&b, "  - {name: %s, digest: %q}\n", repo, digestOf(repo))
		}
	}
	if len(c.deployments) > 0 {
		fmt.Fprintf(&b, "replicas:\n  - {name: %s, count: %d}\n", c.deployments[0], 3+i%2)
	}
	fmt.Fprintf(&b, `patches:
  - target: {kind: Deployment}
    patch: |-
      - op: add
        path: /spec/revisionHistoryLimit
        value: %d
`, 2+i%5)
	return kustomization(b.String())
}

// deploymentsIn returns the names of the Deployments in a stream of documents,
// in the order in which they stand.
func deploymentsIn(b []byte) ([]string, error) {
	var out []string
	for dec := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var o struct {
			Kind     string
			Metadata struct{ Name string }
		}
		err := dec.Decode(&o)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if o.Kind == "Deployment" {
			out = append(out, o.Metadata.Name)
		}
	}
}

var imageLine = regexp.MustCompile(`(?m)^\s*(?:- )?image:\s*["']?([^"'\s]+)["']?\s*$`)

// imagesIn finds the images that kustomize's images transformer rewrites.
func imagesIn(b []byte) []string {
	var out []string
	for _, m := range imageLine.FindAllSubmatch(b, -1) {
		out = append(out, string(m[1]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// split cuts tag and digest off an image reference.
func split(ref string) (repo, tag string) {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		return ref[:i], ref[i+1:]
	}
	return ref, ""
}

// digestOf invents a stable digest of a repository: the corpus names tags, and
// nothing here asks a registry.
func digestOf(repo string) string {
	sum := sha256.Sum256([]byte(repo))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Write puts the files below dir.
func Write(dir string, files map[string][]byte) error {
	for name, b := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
