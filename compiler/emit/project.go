package emit

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// annotationLeft says what a pin before had and this one has not: Argo CD
// prunes only what the project permits.
const annotationLeft = "darkstart.dev/left-"

// project is what Argo CD lets the Application of a cluster apply: the kinds
// and Namespaces of its bundle, from its repository, to its cluster.
//
// Argo CD acts as one account for all of an Application, and one Application is
// all of a bundle; so an account of its own would hold nearly what Argo CD
// holds, and these lists are the bound (ADR 13).
func project(c *ir.Linked, pin Pin, before []ir.File) map[string]any {
	m := accessMeta(c, projectName(c), argoNamespace)
	now := permits(c)
	all := maps.Clone(now)
	notes := map[string]any{annotationSerial: strconv.Itoa(pin.Serial)}
	for serial, list := range leftPermits(pin, before, now) {
		notes[annotationLeft+strconv.Itoa(serial)] = strings.Join(list, " ")
		for _, p := range list {
			all[p] = true
		}
	}
	m["annotations"] = notes
	clusterKinds, kinds, destinations := []any{}, []any{}, []any{map[string]any{"name": c.Name, "namespace": ""}}
	for _, p := range slices.Sorted(maps.Keys(all)) {
		scope, rest, _ := strings.Cut(p, ":")
		group, kind, _ := strings.Cut(rest, "/")
		switch gk := map[string]any{"group": group, "kind": kind}; scope {
		case "cluster":
			clusterKinds = append(clusterKinds, gk)
		case "kind":
			kinds = append(kinds, gk)
		case "namespace":
			destinations = append(destinations, map[string]any{"name": c.Name, "namespace": rest})
		}
	}
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": m,
		"spec": map[string]any{
			"description":                "what a bundle of " + c.Name + " holds",
			"sourceRepos":                []any{pin.Repository},
			"destinations":               destinations,
			"clusterResourceWhitelist":   clusterKinds,
			"namespaceResourceWhitelist": kinds,
		},
	}
}

func projectName(c *ir.Linked) string { return "darkstart-" + c.Name }

// permits are what a bundle needs: "cluster:group/Kind" without a Namespace,
// "kind:group/Kind" in one, and "namespace:name". The guard is in every bundle.
func permits(c *ir.Linked) map[string]bool {
	out := map[string]bool{
		"cluster:admissionregistration.k8s.io/ValidatingAdmissionPolicy":        true,
		"cluster:admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": true,
		"kind:/ConfigMap": true, "namespace:" + guardNamespace: true,
	}
	for _, part := range c.Parts {
		for _, o := range part.Objects {
			if o.Namespace == "" {
				out["cluster:"+o.Group()+"/"+o.Kind] = true
				continue
			}
			out["kind:"+o.Group()+"/"+o.Kind] = true
			out["namespace:"+o.Namespace] = true
		}
	}
	return out
}

// leftPermits is what the last pins had and this one has not, by their serial,
// as for accounts.
func leftPermits(pin Pin, before []ir.File, now map[string]bool) map[int][]string {
	out := map[int][]string{}
	for _, o := range documentsIn(before, argoFile) {
		if object.String(o, "kind") != "AppProject" {
			continue
		}
		had := map[string]bool{}
		for _, k := range object.Slice(o, "spec", "clusterResourceWhitelist") {
			had["cluster:"+object.String(k, "group")+"/"+object.String(k, "kind")] = true
		}
		for _, k := range object.Slice(o, "spec", "namespaceResourceWhitelist") {
			had["kind:"+object.String(k, "group")+"/"+object.String(k, "kind")] = true
		}
		for _, d := range object.Slice(o, "spec", "destinations") {
			if ns := object.String(d, "namespace"); ns != "" {
				had["namespace:"+ns] = true
			}
		}
		for key, v := range object.Map(o, "metadata", "annotations") {
			if n, found := strings.CutPrefix(key, annotationLeft); found {
				serial, _ := strconv.Atoi(n)
				s, _ := v.(string)
				out[serial] = strings.Fields(s)
				for _, p := range out[serial] {
					delete(had, p)
				}
			}
		}
		if serial := serialIn(before); serial != pin.Serial {
			for p := range now {
				delete(had, p)
			}
			if len(had) > 0 {
				out[serial] = slices.Sorted(maps.Keys(had))
			}
		}
	}
	for len(out) > remembered {
		delete(out, slices.Min(slices.Collect(maps.Keys(out))))
	}
	return out
}
