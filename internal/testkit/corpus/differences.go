package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// Differences says how the objects that were rendered for a cluster differ from
// what stock kustomize printed for its overlays, by component. Two differences
// are contract (DESIGN §7) and are not told: a Job's name ends in a hash of its
// content, and it has no time to live.
func Differences(r *ir.Rendered, built map[string][]byte) ([]string, error) {
	var out []string
	for _, c := range r.Components {
		want, err := byKey(built[c.Name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		for _, n := range c.Renamed {
			o := want[n.From.String()]
			if o == nil || n.From.Kind != "Job" || !strings.HasPrefix(n.To.Name, n.From.Name+"-") {
				out = append(out, fmt.Sprintf("%s: %s was renamed to %s", c.Name, n.From, n.To))
				continue
			}
			delete(want, n.From.String())
			object.Map(o, "metadata")["name"] = n.To.Name
			delete(object.Map(o, "spec"), "ttlSecondsAfterFinished")
			want[n.To.String()] = o
		}
		for _, o := range c.Objects {
			k := o.Key().String()
			if d, err := difference(want[k], o.Content()); err != nil {
				return nil, err
			} else if d != "" {
				out = append(out, fmt.Sprintf("%s: %s %s", c.Name, k, d))
			}
			delete(want, k)
		}
		for _, k := range slices.Sorted(maps.Keys(want)) {
			out = append(out, fmt.Sprintf("%s: %s is missing", c.Name, k))
		}
	}
	return out, nil
}

// difference compares objects as JSON: parsers differ in the Go types of numbers.
func difference(want, got map[string]any) (string, error) {
	if want == nil {
		return "is too many", nil
	}
	a, err := json.Marshal(want)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(got)
	if err != nil || bytes.Equal(a, b) {
		return "", err
	}
	return fmt.Sprintf("is\n%s, want\n%s", b, a), nil
}

func byKey(src []byte) (map[string]map[string]any, error) {
	objects, err := Parse(src)
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]any{}
	for _, content := range objects {
		k := object.New(content, object.Origin{}).Key().String()
		if out[k] != nil {
			return nil, fmt.Errorf("%s is there twice", k)
		}
		out[k] = content
	}
	return out, nil
}
