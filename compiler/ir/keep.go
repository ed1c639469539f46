package ir

import (
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// Keeps reports whether pruning an object would lose data by itself: deleting
// a CRD or a Namespace deletes everything in it. Such objects are never pruned
// (DESIGN §7).
func Keeps(k object.Key) bool {
	switch k.Group + "/" + k.Kind {
	case "apiextensions.k8s.io/CustomResourceDefinition", "/Namespace",
		"/PersistentVolume", "/PersistentVolumeClaim", "apps/StatefulSet":
		return true
	}
	return false
}

// Held returns the objects of a cluster that a store holds: they are not
// pruned either.
func (f *Fleet) Held(cluster string) map[object.Key]bool {
	held := map[object.Key]bool{}
	c := f.Cluster(cluster)
	if f.Units.Fleet == nil || c == nil {
		return held
	}
	names := map[string]bool{}
	for _, s := range f.Units.Fleet.Spec.Stores {
		for _, h := range s.Holds {
			names[strings.TrimPrefix(h, cluster+"/")] = true
		}
	}
	for _, part := range c.Parts {
		for _, o := range part.Objects {
			if names[o.Kind+"/"+o.Namespace+"/"+o.Name] {
				held[o.Key()] = true
			}
		}
	}
	return held
}
