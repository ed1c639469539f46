package render

import (
	"maps"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// nameJobs gives every Job a name that contains a hash of what it does and
// removes its time to live (DESIGN §7). A Job's template cannot be changed, so
// an engine that applies a changed one under the old name fails; and a Job
// that deletes itself is drift, which runs it again. It happens after the
// overrides, because the hash must cover them. The list says which names
// changed, for gates that name a Job.
func nameJobs(in []*object.Object) ([]*object.Object, []ir.Rename) {
	var renamed []ir.Rename
	for i, o := range in {
		if o.Kind != "Job" || o.Group() != "batch" || o.Name == "" {
			continue
		}
		from := o.Key()
		in[i] = hashed(o)
		renamed = append(renamed, ir.Rename{From: from, To: in[i].Key()})
	}
	if len(renamed) > 0 {
		for i, o := range in {
			in[i] = followNames(o, renamed)
		}
	}
	return in, renamed
}

// maxJobName is what the label job-name of a Job's Pods can hold.
const maxJobName = 63

func hashed(o *object.Object) *object.Object {
	out := o.Own()
	out.Base, out.Edits, out.Sole = maps.Clone(o.Content()), nil, true
	if spec := maps.Clone(object.Map(out.Base, "spec")); spec != nil {
		delete(spec, "ttlSecondsAfterFinished")
		out.Base["spec"] = spec
	}
	b, err := out.Encode()
	if err != nil {
		panic(err) // rendered values are JSON values
	}
	suffix := "-" + digest.Of(b).Short()[:10]
	base := strings.TrimRight(o.Name[:min(len(o.Name), maxJobName-len(suffix))], "-.")
	out.Name = base + suffix
	return out.With(object.Edit{Path: []string{"metadata", "name"}, Value: out.Name})
}

// followNames rewrites the one field of an object that names Jobs: the
// resourceNames of a Role's rules about jobs.
func followNames(o *object.Object, renamed []ir.Rename) *object.Object {
	if o.Group() != "rbac.authorization.k8s.io" || (o.Kind != "Role" && o.Kind != "ClusterRole") {
		return o
	}
	w := editor{Object: *o}
	for i, rule := range object.Slice(o.Get("rules")) {
		if !aboutJobs(rule) {
			continue
		}
		for j, n := range object.Slice(rule, "resourceNames") {
			for _, r := range renamed {
				if n == r.From.Name && (o.Kind == "ClusterRole" || r.From.Namespace == o.Namespace) {
					w.set(r.To.Name, "rules", strconv.Itoa(i), "resourceNames", strconv.Itoa(j))
				}
			}
		}
	}
	if len(w.edits) == 0 {
		return o
	}
	out := w.edited()
	return &out
}

func aboutJobs(rule any) bool {
	for _, r := range object.Slice(rule, "resources") {
		if s, _ := r.(string); s == "*" || s == "jobs" || strings.HasPrefix(s, "jobs/") {
			return true
		}
	}
	return false
}
