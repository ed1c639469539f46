package kustomize

import (
	"path"
	"reflect"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"

	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

const originAnnotation = "config.kubernetes.io/origin"

// objects turns what kustomize built into objects that know their place.
func (s *scanner) objects(dir string, m resmap.ResMap) ([]*object.Object, diag.List) {
	var ds diag.List
	out := make([]*object.Object, 0, m.Size())
	for _, r := range m.Resources() {
		origin, err := r.GetOrigin()
		if err != nil {
			origin = nil
		}
		content, err := r.Map()
		if err != nil {
			ds.Add(s.buildError(dir, err))
			continue
		}
		content, ok := plain(content).(map[string]any)
		if !ok {
			ds.Add(diag.Errorf("RND012", "%s has a key that is no string", r.CurId()).
				At(diag.Position{File: s.roots[dir], Line: 1}, "built here").Fix("put the key in quotes"))
			continue
		}
		if !s.asked {
			dropOrigin(content)
		}
		o := object.New(content, object.Origin{})
		if s.traced || s.hashes {
			o.Origin = s.origin(dir, origin, o)
		}
		if bad := yaml.Check(o); bad != nil {
			ds.Add(bad)
			continue
		}
		out = append(out, o)
	}
	return out, ds
}

// plain gives values the types of package object, as the JSON that kustomize
// prints would: 1.0 is 1. It returns nil for a mapping that JSON cannot hold.
func plain(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			p := plain(e)
			if p == nil && e != nil {
				return nil
			}
			x[k] = p
		}
	case []any:
		for i, e := range x {
			p := plain(e)
			if p == nil && e != nil {
				return nil
			}
			x[i] = p
		}
	case map[any]any:
		return nil
	case float64:
		return yamlpos.Number(x)
	default:
		return object.Normalize(v)
	}
	return v
}

// dropOrigin removes the note that traceOrigins asked for.
func dropOrigin(content map[string]any) {
	metadata := object.Map(content, "metadata")
	annotations := object.Map(metadata, "annotations")
	if _, ok := annotations[originAnnotation]; !ok {
		return
	}
	delete(annotations, originAnnotation)
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}

// place gives objects the documents they come from, which it knows by kind and
// name. It reports false when an object could come from several or from none:
// then kustomize has to be asked, because a wrong line is worse than none.
func (s *scanner) place(objects []*object.Object) bool {
	if s.traced || s.hashes {
		return true
	}
	docs := map[object.Key][]*object.Object{}
	for _, name := range s.order {
		for _, d := range s.docs[name] {
			k := s.identity(d)
			docs[k] = append(docs[k], d)
		}
	}
	for _, o := range objects {
		from := docs[s.identity(o)]
		if len(from) != 1 {
			return false
		}
		o.Origin = from[0].Origin
		o.Origin.Exact = reflect.DeepEqual(from[0].Content(), o.Content())
	}
	return true
}

// identity is what stays of an object's key through a build without renames.
func (s *scanner) identity(o *object.Object) object.Key {
	k := o.Key()
	if s.moves {
		k.Namespace = ""
	}
	return k
}

// origin finds the document that an object was built from: the file is known
// from kustomize, the document by kind and name, which a prefix or suffix may
// surround. An object that equals its document is exact.
func (s *scanner) origin(dir string, from *resource.Origin, o *object.Object) object.Origin {
	root := diag.Position{File: s.roots[dir], Line: 1}
	if from == nil {
		return s.search(o, root)
	}
	if from.Path == "" {
		return object.Origin{Pos: s.generator(path.Join(dir, from.ConfiguredIn), o, root)}
	}
	file := path.Join(dir, from.Path)
	best := match(s.docs[file], o)
	if best == nil {
		return object.Origin{Pos: diag.Position{File: file, Line: 1}}
	}
	out := best.Origin
	out.Exact = reflect.DeepEqual(best.Content(), o.Content())
	return out
}

// search looks through all documents when kustomize could not be asked.
func (s *scanner) search(o *object.Object, root diag.Position) object.Origin {
	for _, name := range s.order {
		if best := match(s.docs[name], o); best != nil {
			out := best.Origin
			out.Exact = reflect.DeepEqual(best.Content(), o.Content())
			return out
		}
	}
	return object.Origin{Pos: root}
}

func match(docs []*object.Object, o *object.Object) *object.Object {
	var best *object.Object
	for _, d := range docs {
		if d.Kind != o.Kind || d.Group() != o.Group() {
			continue
		}
		if d.Name == o.Name && d.Namespace == o.Namespace {
			return d
		}
		if strings.Contains(o.Name, d.Name) && (best == nil || len(d.Name) > len(best.Name)) {
			best = d
		}
	}
	return best
}

// generator finds the entry of a build file that generated an object.
func (s *scanner) generator(file string, o *object.Object, otherwise diag.Position) diag.Position {
	text, value, err := s.load(file)
	if err != nil || text == nil {
		return otherwise
	}
	field := map[string]string{"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}[o.Kind]
	u := &unit{file: file, text: text}
	at, length := diag.Position{File: file, Line: 1}, -1
	for i, e := range object.Slice(value, field) {
		if n := object.String(e, "name"); strings.Contains(o.Name, n) && len(n) > length {
			at, length = s.at(u, []string{field, strconv.Itoa(i)}), len(n)
		}
	}
	return at
}
