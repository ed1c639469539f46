package guard

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	ahocorasick "github.com/BobuSumisu/aho-corasick"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// scan is what the gitleaks detectors recognise in the rendered objects: where,
// and by which detector. The text that matched goes nowhere: a report of a
// secret must not be one.
func (d *document) scan() (map[string]*ast.Term, error) {
	out := []any{}
	for _, e := range d.objects.list {
		hits, err := d.s.scanner.object(e.object)
		if err != nil {
			return nil, err
		}
		for _, h := range hits {
			out = append(out, map[string]any{
				"object": e.key, "component": e.component, "path": h.path, "detector": h.detector, "what": h.what,
			})
		}
	}
	return plain("scan", out)
}

// detectors owns the gitleaks detector: its own rules, embedded in the library,
// no file, no network. It is built when the first text is scanned, since its
// two hundred expressions take a while to compile.
type detectors struct {
	once     sync.Once
	detector *detect.Detector
	keywords *ahocorasick.Trie
	err      error
}

// scanner scans what one fleet renders: an object that several clusters share
// is scanned once.
type scanner struct {
	detectors *detectors
	seen      sync.Map // *object.Object to []hit
	texts     sync.Map // text to []recognised: clusters render the same objects
}

// recognised is what a detector recognised, by the line of a text.
type recognised struct {
	line           int
	detector, what string
}

type hit struct{ path, detector, what string }

func (d *detectors) open() error {
	d.once.Do(func() {
		if err := d.build(); err != nil {
			d.err = fmt.Errorf("gitleaks rules: %w", err)
		}
	})
	return d.err
}

func (d *detectors) build() error {
	v := viper.New() // not the global one: nothing else may change it
	v.SetConfigType("toml")
	if err := v.ReadConfig(strings.NewReader(config.DefaultConfig)); err != nil {
		return err
	}
	var vc config.ViperConfig
	if err := v.Unmarshal(&vc); err != nil {
		return err
	}
	cfg, err := vc.Translate()
	if err != nil {
		return err
	}
	d.detector = detect.NewDetector(cfg)
	d.keywords = ahocorasick.NewTrieBuilder().AddStrings(sortedKeys(cfg.Keywords)).Build()
	// A comment in a manifest accepts nothing: that is what waivers are for.
	d.detector.IgnoreGitleaksAllow = true
	d.detector.Redact = 100
	return nil
}

// object scans the strings of an object in one go, so that a value keeps the
// name beside it, which most detectors need.
func (s *scanner) object(o *object.Object) ([]hit, error) {
	if hits, ok := s.seen.Load(o); ok {
		return hits.([]hit), nil
	}
	if err := s.detectors.open(); err != nil {
		return nil, err
	}
	t := textOf(o, s.detectors.keywords)
	var hits []hit
	for _, m := range s.text(t.String()) {
		if m.line < len(t.paths) {
			hits = append(hits, hit{t.paths[m.line], m.detector, m.what})
		}
	}
	// The library walks a map; the specific detectors come before the generic
	// ones, and one hit a field is enough.
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.path, b.path), generic(a)-generic(b), cmp.Compare(a.detector, b.detector))
	})
	hits = slices.CompactFunc(hits, func(a, b hit) bool { return a.path == b.path })
	s.seen.Store(o, hits)
	return hits, nil
}

// text runs the detectors over a text, once however many objects hold it.
func (s *scanner) text(raw string) []recognised {
	if raw == "" {
		return nil
	}
	if ms, ok := s.texts.Load(raw); ok {
		return ms.([]recognised)
	}
	var out []recognised
	for _, f := range s.detectors.detector.DetectString(raw) {
		out = append(out, recognised{f.StartLine, f.RuleID, f.Description})
	}
	s.texts.Store(raw, out)
	return out
}

func generic(h hit) int {
	if strings.HasPrefix(h.detector, "generic") {
		return 1
	}
	return 0
}

// text is the strings of an object, a line each, and the path of every line.
type text struct {
	strings.Builder
	keywords *ahocorasick.Trie
	paths    []string
}

// unscanned kinds hold schemas, or what is already encrypted.
var unscanned = []string{"CustomResourceDefinition", "SealedSecret"}

func textOf(o *object.Object, keywords *ahocorasick.Trie) *text {
	t := &text{keywords: keywords}
	if slices.Contains(unscanned, o.Kind) {
		return t
	}
	for _, key := range sortedKeys(o.Content) {
		if o.Kind == "Secret" && o.Group() == "" && key == "data" {
			t.encoded(o.Content[key])
			continue
		}
		if key == "apiVersion" || key == "kind" || key == "sops" {
			continue
		}
		t.walk(key, ir.Pointer(key), o.Content[key])
	}
	return t
}

// encoded adds the values of a Secret's data, decoded.
func (t *text) encoded(v any) {
	m, _ := v.(map[string]any)
	for _, k := range sortedKeys(m) {
		s, _ := m[k].(string)
		if b, err := base64.StdEncoding.DecodeString(s); err == nil && utf8.Valid(b) {
			s = string(b)
		}
		t.line(k, ir.Pointer("data", k), s)
	}
}

func (t *text) walk(name, path string, v any) {
	switch v := v.(type) {
	case string:
		t.line(name, path, v)
	case []any:
		for i, e := range v {
			t.walk(name, path+"/"+strconv.Itoa(i), e)
		}
	case map[string]any:
		if n, ok := v["name"].(string); ok { // {name: PASSWORD, value: …}
			if s, ok := v["value"].(string); ok {
				t.line(n, path+"/value", s)
				v = without(v, "value")
			}
		}
		for _, k := range sortedKeys(v) {
			t.walk(k, path+ir.Pointer(k), v[k])
		}
	}
}

func without(m map[string]any, key string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// line adds "name: value". A short value cannot hold a credential that a
// detector knows, and an encrypted one holds none. Of a long text only the lines
// with a keyword of some detector are kept, and the one after, where a value may
// be continued: the detectors look at nothing else, and their expressions are
// slow. Only a private key has no keyword in most of its lines.
func (t *text) line(name, path, value string) {
	if len(value) < 8 || strings.HasPrefix(value, "ENC[") {
		return
	}
	whole := strings.Contains(value, "PRIVATE KEY")
	keep, first := false, true
	for l := range strings.Lines(value) {
		if first {
			l, first = name+": "+l, false
		}
		found := whole || t.keywords.MatchFirstString(strings.ToLower(l)) != nil
		if found || keep {
			t.WriteString(strings.TrimSuffix(l, "\n"))
			t.WriteByte('\n')
			t.paths = append(t.paths, path)
		}
		keep = found
	}
}
