package compiler_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

const located = `package clusters

kubernetes: "1.36"
components: "web": source: kustomize: "components/web"
`

// TestFindingsPointAtWhatSetTheField guards the way from a guardrail to the
// place: the CUE value of an image that the cluster sets, the field of a
// kustomization that sets one, the base. The oracle writes another reference at
// the place, and the finding must be about that one.
func TestFindingsPointAtWhatSetTheField(t *testing.T) {
	const digest = "@sha256:7031c1b283388d2c2e09b57badb803c05ebed362dc88d84b480cc47f72a21097"
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: web}\nspec:\n  containers:\n    - name: main\n      image: registry.k8s.io/pause:3.9\n"
	for _, tt := range []struct {
		name, kustomization, cluster, at, was, fix string
	}{
		{"base", "", "", "components/web/pod.yaml:7:14", "registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9" + digest},
		{"changed beside it", "labels: [{pairs: {a: b}}]\n", "", "components/web/pod.yaml:7:14", "registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9" + digest},
		{"kustomize", "images: [{name: registry.k8s.io/pause, newTag: '3.10'}]\n", "", "components/web/kustomization.yaml:2:48", "'3.10'", "3.10" + digest},
		{"cluster", "", "components: \"web\": images: \"registry.k8s.io/pause\": \"registry.k8s.io/pause:3.10" + digest + "\"\n", "clusters/dev/cluster.cue:5:53", `"registry.k8s.io/pause:3.10` + digest + `"`, `"registry.k8s.io/pause:3.11` + digest + `"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{
				"cue.mod/module.cue":                profile(t, "minimal")["cue.mod/module.cue"],
				"clusters/dev/cluster.cue":          located + tt.cluster,
				"components/web/kustomization.yaml": "resources: [pod.yaml]\n" + tt.kustomization,
				"components/web/pod.yaml":           pod,
			}
			unpinned := func() *diag.Diagnostic {
				ds := compileFleet(t, files).Diagnostics
				i := slices.IndexFunc(ds, func(d *diag.Diagnostic) bool { return d.Code == "SC001" })
				if i < 0 {
					return nil
				}
				return ds[i]
			}
			d := unpinned()
			if d == nil {
				t.Fatal("no finding on the image")
			}
			p := d.Primary()
			if p.String() != tt.at {
				t.Errorf("at %s, want %s: %v %v", p, tt.at, d.Labels, d.Notes)
			}
			lines := strings.SplitAfter(files[p.File], "\n")
			line := lines[p.Line-1]
			if got := line[p.Column-1 : p.EndColumn-1]; got != tt.was {
				t.Fatalf("%q stands there, want %q", got, tt.was)
			}
			lines[p.Line-1] = line[:p.Column-1] + tt.fix + line[p.EndColumn-1:]
			files[p.File] = strings.Join(lines, "")
			if again := unpinned(); again == nil || again.Message == d.Message || !strings.Contains(again.Message, strings.Trim(tt.fix, `"`)) {
				t.Errorf("the finding does not follow the change at its place: %v", again)
			}
		})
	}
}
