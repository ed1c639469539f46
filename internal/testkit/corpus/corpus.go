// Package corpus builds fleets over a folder of real manifests. What a cluster
// changes of a component — labels, its namespace, pinned images, replicas and
// a patch — is written as users of each tool write it: an overlay of kustomize
// for each of them, or parameters of the spec. Both give the same objects.
//
// Tests and benchmarks share it, so that what is measured is what is tested.
package corpus

import (
	"fmt"
	"os"
	"path/filepath"
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

// Options of Fleet and Overlays.
type Options struct {
	Clusters int
	// Kubernetes is the version that every cluster declares.
	Kubernetes string
	// Parameters writes what a cluster changes of a component as parameters of
	// the spec over the plain manifests, and not as an overlay of kustomize.
	Parameters bool
	// Intent adds what only people know: domains, teams, externals, services,
	// stores, objectives, scenarios and procedures, so that the plan is real.
	Intent bool
}

// Fleet returns the files of a fleet whose components are the *.yaml files of
// dir. Every cluster changes each of them a little (see change).
func Fleet(dir string, o Options) (map[string][]byte, error) {
	components, err := read(dir)
	if err != nil {
		return nil, err
	}
	files := bases(components)
	if !o.Parameters {
		overlays(files, components, o.Clusters)
	}
	files["cue.mod/module.cue"] = []byte("module: \"corpus.example@v0\"\nlanguage: version: \"v0.17.0\"\n")
	files["clusters/base.cue"] = baseCUE(components, o)
	for i := range o.Clusters {
		files["clusters/"+ClusterName(i)+"/cluster.cue"] = clusterCUE(i, o.Clusters)
	}
	if o.Intent {
		intent(files, components, o.Clusters)
	}
	files["darkstart.lock"], err = lock(components)
	return files, err
}

// Overlays returns what a user of kustomize has in place of the fleet: the same
// bases, and an overlay for each cluster and component.
func Overlays(dir string, o Options) (map[string][]byte, error) {
	components, err := read(dir)
	if err != nil {
		return nil, err
	}
	files := bases(components)
	overlays(files, components, o.Clusters)
	return files, nil
}

// ClusterName is the name of the i-th cluster.
func ClusterName(i int) string { return fmt.Sprintf("c%04d", i) }

// OverlayDir is the folder that `kustomize build` takes for a component of a
// cluster.
func OverlayDir(cluster, component string) string { return "overlays/" + cluster + "/" + component }

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
