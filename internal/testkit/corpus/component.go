package corpus

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// component is what a cluster has to know about a manifest to change it.
type component struct {
	name        string
	manifest    []byte
	images      []image
	deployments []string
	homeless    bool // no object names a namespace
}

// image is one that containers name, with the digest that a fleet pins it to.
type image struct{ name, tag string }

// ref is the reference that a cluster runs: from a registry of its own when
// that is not empty, which ends in a slash.
func (i image) ref(registry string) string { return registry + i.name + ":" + i.tag + "@" + i.digest() }

// digest invents a stable one: the corpus names tags, and nothing here asks a
// registry.
func (i image) digest() string {
	sum := sha256.Sum256([]byte(i.name))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// change is what a cluster makes of each component.
type change struct {
	cluster  string
	registry string // a mirror, for every other cluster
	replicas int    // of the first Deployment
	history  int    // revisionHistoryLimit of all Deployments: the patch
}

func changeOf(i int) change {
	c := change{ClusterName(i), "", 3 + i%2, 2 + i%5}
	if i%2 == 1 {
		c.registry = mirror
	}
	return c
}

const mirror = "mirror.fleet.example/"

// namespace is where a cluster puts what has no place of its own.
func (c component) namespace(cluster string) string { return cluster + "-" + c.name }

// read returns the components of a folder of manifests, by name.
func read(dir string) ([]component, error) {
	manifests, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(manifests) == 0 {
		return nil, fmt.Errorf("no *.yaml in %s", dir)
	}
	var out []component
	for _, m := range manifests {
		c := component{name: strings.TrimSuffix(filepath.Base(m), ".yaml"), homeless: true}
		if c.manifest, err = os.ReadFile(m); err != nil {
			return nil, err
		}
		objects, err := Objects(m)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			c.learn(o)
		}
		slices.SortFunc(c.images, func(a, b image) int { return strings.Compare(a.name, b.name) })
		out = append(out, c)
	}
	return out, nil
}

func (c *component) learn(o map[string]any) {
	metadata, _ := o["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	switch o["kind"] {
	case "Deployment":
		c.deployments = append(c.deployments, name)
	case "CustomResourceDefinition":
		return
	}
	if metadata["namespace"] != nil || o["kind"] == "Namespace" {
		c.homeless = false
	}
	c.learnImages(o)
}

// learnImages walks to the lists of containers, which is where kustomize
// replaces images.
func (c *component) learnImages(v any) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			c.learnImages(e)
		}
	case map[string]any:
		for _, list := range []string{"containers", "initContainers"} {
			containers, _ := x[list].([]any)
			for _, e := range containers {
				m, _ := e.(map[string]any)
				if ref, _ := m["image"].(string); ref != "" {
					c.add(ref)
				}
			}
		}
		for _, e := range x {
			c.learnImages(e)
		}
	}
}

// add keeps the lowest tag of a name, whatever the order of a walk.
func (c *component) add(ref string) {
	ref, _, _ = strings.Cut(ref, "@")
	i := image{ref, "latest"}
	if at := strings.LastIndexByte(ref, ':'); at > strings.LastIndexByte(ref, '/') {
		i = image{ref[:at], ref[at+1:]}
	}
	for k, known := range c.images {
		if known.name == i.name {
			c.images[k].tag = min(known.tag, i.tag)
			return
		}
	}
	c.images = append(c.images, i)
}

// lock pins every image, from both registries.
func lock(components []component) ([]byte, error) {
	images := map[string]map[string]string{}
	for _, c := range components {
		for _, i := range c.images {
			for _, registry := range []string{"", mirror} {
				name, digest, _ := strings.Cut(i.ref(registry), "@")
				images[name] = map[string]string{"digest": digest}
			}
		}
	}
	return json.MarshalIndent(map[string]any{"version": "darkstart.dev/lock/v1", "images": images}, "", "  ")
}
