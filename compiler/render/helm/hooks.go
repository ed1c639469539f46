package helm

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

const (
	hookAnnotation = "helm.sh/hook"
	hookWeight     = "helm.sh/hook-weight"
)

// hookAnnotations are what only Helm reads. They are removed: Argo CD would
// take them for hooks of its own.
var hookAnnotations = []string{hookAnnotation, hookWeight, "helm.sh/hook-delete-policy", "helm.sh/hook-output-log-policy"}

// split sorts objects into those to apply and test hooks, and gives hooks
// their events (DESIGN §7).
func split(in []*object.Object) (*Result, diag.List) {
	res := &Result{}
	var ds diag.List
	for _, o := range in {
		annotation := object.String(o.Get("metadata", "annotations", hookAnnotation))
		if annotation == "" {
			res.Objects = append(res.Objects, o)
			continue
		}
		kept, test, d := events(o, annotation)
		ds.Add(d)
		if d != nil && d.Severity == diag.Error {
			continue
		}
		weight, _ := strconv.Atoi(object.String(o.Get("metadata", "annotations", hookWeight)))
		strip(o)
		if test {
			res.Tests = append(res.Tests, o)
			continue
		}
		o.Hook = &object.Hook{Events: kept, Weight: weight}
		res.Objects = append(res.Objects, o)
	}
	return res, ds
}

// events reads a hook annotation. An object that only hooks into deletion or
// rollback is refused: an engine that applies manifests has no such moments.
func events(o *object.Object, annotation string) (kept []string, test bool, d *diag.Diagnostic) {
	var lost []string
	for e := range strings.SplitSeq(annotation, ",") {
		switch e = strings.ToLower(strings.TrimSpace(e)); e {
		case "pre-install", "pre-upgrade", "post-install", "post-upgrade":
			kept = append(kept, e)
		case "test", "test-success":
			test = true
		case "pre-delete", "post-delete", "pre-rollback", "post-rollback":
			lost = append(lost, e)
		case "":
		default:
			return nil, false, hookProblem(diag.Errorf("RND062", "%q is no hook of Helm", e), o).
				Fix("use one of pre-install, pre-upgrade, post-install, post-upgrade and test; CRDs belong into the crds folder")
		}
	}
	slices.Sort(kept)
	names := strings.Join(lost, ", ")
	switch {
	case len(lost) == 0:
	case len(kept) == 0 && !test:
		d = hookProblem(diag.Errorf("RND060", "hook %s cannot be kept", names), o).
			Note("manifests that an engine applies have no moment of deletion or rollback").
			Fix("disable the hook in the chart's values, and describe what it does as a rollback or a procedure")
	default:
		d = hookProblem(diag.Warningf("RND061", "hook %s is left out", names), o).
			Fix("describe what it does there as a rollback or a procedure")
	}
	return slices.Compact(kept), test && len(kept) == 0, d
}

func hookProblem(d *diag.Diagnostic, o *object.Object) *diag.Diagnostic {
	return d.At(o.Origin.Pos, "%s %s", o.Kind, o.Name).About(diag.Subject{Object: o.Key().String()})
}

func strip(o *object.Object) {
	metadata := object.Map(o.Get("metadata"))
	annotations := object.Map(metadata, "annotations")
	for _, a := range hookAnnotations {
		delete(annotations, a)
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
