package policies_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// recallCase is one small fleet, as a user would write it but in YAML, and the
// subjects of it that a rule must and must not report.
//
//	about:     what the fleet is
//	project, fleet, recovery: the units; what is absent is no folder
//	clusters:  NAME: {spec: the cluster's unit, objects: {COMPONENT: [objects]}, charts: {COMPONENT: a template}}
//	was:       the clusters of the base, for what changed since; the rest is as now
//	evidence:  records, by name; a closure of ones is today's
//	lock:      darkstart.lock
//	fires:     SUBJECT: words of the message, or a list of them
//	silent:    SUBJECT: why it is none, though it is judged
//	beside:    SUBJECT: why it is not even judged
//
// Kubernetes 1.36 and the sources of components are filled in; a component
// without objects gets a ConfigMap. In place of an object may stand one of the
// corpus, with a change:
//
//	{corpus: FILE KEY, set: {POINTER: value}, remove: [POINTER]}
//
// A SUBJECT is an object's key, a node's id, "component NAME", or nothing; then, as far as it
// takes to name it, #POINTER, and " under SCENARIO". CLUSTER: before it says
// which cluster, where there is a choice. * stands for any part of a name. What
// a finding names in its words alone, as a pin or an action, is called "any …".
type recallCase struct {
	About                    string
	Project, Fleet, Recovery map[string]any
	Clusters                 map[string]*recallCluster
	Was                      map[string]*recallCluster
	Evidence                 map[string]any
	Lock                     map[string]any
	Fires, Silent, Beside    expectations
	fromCorpus               map[string]bool
}

type recallCluster struct {
	Spec    map[string]any
	Objects map[string][]map[string]any
	// Charts are components that a template renders.
	Charts map[string]string
}

type expectations []expectation

type expectation struct {
	subject string
	says    []string
}

// UnmarshalYAML keeps the order in which they are written.
func (e *expectations) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		x := expectation{subject: n.Content[i].Value}
		if n.Content[i+1].Kind == yaml.ScalarNode {
			x.says = []string{n.Content[i+1].Value}
		} else if err := n.Content[i+1].Decode(&x.says); err != nil {
			return err
		}
		if len(x.says) == 0 || slices.Contains(x.says, "") {
			return fmt.Errorf("line %d: say why %q is listed", n.Line, x.subject)
		}
		*e = append(*e, x)
	}
	return nil
}

func readCases(name string) ([]*recallCase, error) {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var out []*recallCase
	dec := yaml.NewDecoder(bytes.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// met reports whether findings about the subject say all that is expected, and
// marks those that do.
func (e *expectation) met(found map[*diag.Diagnostic]bool) bool {
	all := true
	for _, words := range e.says {
		hit := false
		for d := range found {
			if e.about(d) && strings.Contains(d.Message+"\n"+strings.Join(d.Notes, "\n"), words) {
				found[d], hit = true, true
			}
		}
		all = all && hit
	}
	return all
}

func (e *expectation) about(d *diag.Diagnostic) bool {
	if strings.HasPrefix(e.subject, "any ") {
		return true
	}
	subject, scenario, _ := strings.Cut(e.subject, " under ")
	if scenario != "" && !mentions(d, scenario) {
		return false
	}
	for _, cluster := range []string{"", d.Subject.Cluster + ":"} {
		for _, name := range []string{d.Subject.Object, d.Subject.Node, "component " + d.Subject.Component, ""} {
			for _, p := range []string{"", "#" + d.Subject.Path} {
				if ok, _ := path.Match(subject, cluster+name+p); ok && name+p != "" {
					return true
				}
			}
		}
	}
	return false
}

// mentions reports whether a finding names a scenario as a whole word.
func mentions(d *diag.Diagnostic, scenario string) bool {
	words := strings.FieldsFunc(d.Message+" "+strings.Join(d.Notes, " "), func(r rune) bool { return strings.ContainsRune(" ,:", r) })
	return slices.Contains(words, scenario)
}

// base is the fleet that it was, nil when nothing is compared.
func (c *recallCase) base() *recallCase {
	if c.Was == nil {
		return nil
	}
	was := *c
	was.Clusters, was.Was = c.Was, nil
	return &was
}

// files writes the fleet. Every rule but the one under test is off.
func (c *recallCase) files(id string, rules []guard.Rule) (map[string]string, error) {
	out := map[string]string{"cue.mod/module.cue": "module: \"recall.example@v0\"\nlanguage: version: \"v0.17.0\"\n"}
	severity := map[string]any{}
	for _, r := range rules {
		if r.ID != id {
			severity[r.ID] = "off"
		}
	}
	project := maps.Clone(c.Project)
	if project == nil {
		project = map[string]any{}
	}
	guardrails, _ := project["guardrails"].(map[string]any)
	guardrails = maps.Clone(guardrails)
	if guardrails == nil {
		guardrails = map[string]any{}
	}
	guardrails["severity"], project["guardrails"] = severity, guardrails
	for name, unit := range map[string]map[string]any{"fleet": c.Fleet, "recovery": c.Recovery, "": project} {
		if unit == nil {
			continue
		}
		file, pkg := path.Join(name, name+".cue"), name
		if name == "" {
			file, pkg = "darkstart.cue", "darkstart"
		}
		out[file] = cueText(pkg, unit)
	}
	for name, e := range c.Evidence {
		out["evidence/"+name+".json"] = jsonText(e)
	}
	if c.Lock != nil {
		out["darkstart.lock"] = jsonText(c.Lock)
	}
	for name, cl := range c.Clusters {
		if err := c.cluster(name, cl, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *recallCase) cluster(name string, cl *recallCluster, out map[string]string) error {
	if cl.Spec == nil {
		cl.Spec = map[string]any{}
	}
	if cl.Spec["kubernetes"] == nil {
		cl.Spec["kubernetes"] = "1.36"
	}
	components, _ := cl.Spec["components"].(map[string]any)
	if components == nil {
		components = map[string]any{}
	}
	for n := range cl.Objects {
		if components[n] == nil {
			components[n] = map[string]any{}
		}
	}
	for n, template := range cl.Charts {
		dir := fmt.Sprintf("components/%s-%s/chart", name, n)
		out[dir+"/Chart.yaml"] = "apiVersion: v2\nname: " + n + "\nversion: 0.1.0\n"
		out[dir+"/templates/objects.yaml"] = template
		components[n] = map[string]any{"source": map[string]any{"helm": map[string]any{"chart": dir}}}
	}
	for n, v := range components {
		if cl.Charts[n] != "" {
			continue
		}
		file := fmt.Sprintf("components/%s-%s/objects.yaml", name, n)
		objects := cl.Objects[n]
		if len(objects) == 0 {
			objects = []map[string]any{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": n, "namespace": n}}}
		}
		docs := make([]string, len(objects))
		for i, o := range objects {
			o, err := c.object(o)
			if err != nil {
				return err
			}
			docs[i] = jsonText(o)
		}
		out[file] = strings.Join(docs, "\n---\n")
		if m, _ := v.(map[string]any); m != nil && m["source"] == nil {
			m["source"] = map[string]any{"yaml": file}
		}
	}
	cl.Spec["components"] = components
	out["clusters/"+name+"/cluster.cue"] = cueText("clusters", cl.Spec)
	return nil
}

func treeOf(files map[string]string) *tree.Tree { return tree.FromMap(files) }

// cueText is a unit in CUE: JSON is CUE.
func cueText(pkg string, v any) string { return "package " + pkg + "\n\n" + jsonText(v) + "\n" }

func jsonText(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // YAML gives JSON values
	}
	return string(b)
}
