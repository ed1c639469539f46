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
	"github.com/darkstart-dev/darkstart/internal/cache"
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
				"object": e.key, "component": e.component, "path": h.path, "detector": h.Detector, "what": h.What,
			})
		}
	}
	return plain("scan", out)
}

// detectors owns the gitleaks detector: its own rules, embedded in the library,
// no file, no network. It is built when a text is scanned of which nobody knows
// what is in it, since its two hundred expressions take a while to compile.
type detectors struct {
	once     sync.Once
	detector *detect.Detector
	words    []string // that its rules look for first
	err      error

	listed   sync.Once
	keywords *ahocorasick.Trie // of the words
	unlisted error
}

// scanner scans what one fleet renders: what objects of several clusters share is
// scanned once, and so is a field that several objects have.
type scanner struct {
	detectors *detectors
	kept      *cache.Store // of what texts hold; nil keeps nothing
	shared    sync.Map     // scannedField to *scanned
	mu        sync.RWMutex
	fields    map[field][]recognised
}

// scannedField is a top-level field of objects. An anchor of YAML can make one
// value of two fields, and of the data of a Secret and of something else.
type scannedField struct {
	object.FieldID
	name   string
	secret bool
}

// scanned is what was found below a field that objects share by their base. It
// holds on to the value, so that the identity it is found by stays the value's own.
type scanned struct {
	value any
	hits  []hit
}

// field is a string of an object under the name that stands beside it, which
// most detectors need.
type field struct{ name, value string }

// recognised is what a detector recognised in a field. It can be kept, so its
// fields are exported.
type recognised struct{ Detector, What string }

type hit struct {
	path string
	recognised
}

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
	d.words = sortedKeys(cfg.Keywords)
	// A comment in a manifest accepts nothing: that is what waivers are for.
	d.detector.IgnoreGitleaksAllow = true
	d.detector.Redact = 100
	return nil
}

// list makes the words ready that tell which texts are worth a look.
func (d *detectors) list(kept *cache.Store) error {
	d.listed.Do(func() {
		var words []string
		words, d.unlisted = cache.Value(kept.Silent(), "keywords", nil, func() ([]string, error) {
			err := d.open()
			return d.words, err
		})
		d.keywords = ahocorasick.NewTrieBuilder().AddStrings(words).Build()
	})
	return d.unlisted
}

// object scans the strings of an object.
func (s *scanner) object(o *object.Object) ([]hit, error) {
	if slices.Contains(unscanned, o.Kind) {
		return nil, nil
	}
	if err := s.detectors.list(s.kept); err != nil {
		return nil, err
	}
	var hits []hit
	for key, v := range o.Content() { // order does not show: the hits are sorted
		below, err := s.below(o, key, v)
		if err != nil {
			return nil, err
		}
		hits = append(hits, below...)
	}
	// The library walks a map; the specific detectors come before the generic
	// ones, and one hit a field is enough.
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.path, b.path), generic(a)-generic(b), cmp.Compare(a.Detector, b.Detector))
	})
	hits = slices.CompactFunc(hits, func(a, b hit) bool { return a.path == b.path })
	return hits, nil
}

// below scans what stands in a top-level field of an object.
func (s *scanner) below(o *object.Object, key string, v any) (hits []hit, err error) {
	id, shared := o.Shares(key, v)
	at := scannedField{id, key, isSecret(o)}
	if known, ok := s.shared.Load(at); ok && shared {
		return known.(*scanned).hits, nil
	}
	visit(o, key, v, func(f field, path func() string) {
		found, failed := s.field(f)
		err = cmp.Or(err, failed)
		for _, r := range found {
			hits = append(hits, hit{path(), r})
		}
	})
	if shared && err == nil {
		s.shared.Store(at, &scanned{v, hits})
	}
	return hits, err
}

// field runs the detectors over a field, once however many objects have it. A
// short value cannot hold a credential that a detector knows, and an encrypted
// one holds none.
func (s *scanner) field(f field) (out []recognised, err error) {
	if len(f.value) < 8 || strings.HasPrefix(f.value, "ENC[") {
		return nil, nil
	}
	s.mu.RLock()
	out, ok := s.fields[f]
	s.mu.RUnlock()
	if ok {
		return out, nil
	}
	if text := s.detectors.relevant(f); text != "" {
		if out, err = s.recognise(text); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	s.fields[f] = out
	s.mu.Unlock()
	return out, nil
}

// recognise runs the detectors over a text, or recalls what they said. They are a
// function of the text; only in which order they say it is an accident.
func (s *scanner) recognise(text string) ([]recognised, error) {
	// Who has the judgment on the cluster never asks: see Store.Silent.
	return cache.Value(s.kept.Silent(), "secrets", []string{text}, func() ([]recognised, error) {
		if err := s.detectors.open(); err != nil {
			return nil, err
		}
		var out []recognised
		for _, r := range s.detectors.detector.DetectString(text) {
			out = append(out, recognised{r.RuleID, r.Description})
		}
		slices.SortFunc(out, func(a, b recognised) int {
			return cmp.Or(cmp.Compare(a.Detector, b.Detector), cmp.Compare(a.What, b.What))
		})
		return out, nil
	})
}

// relevant is "name: value" without what no detector looks at: of a long text
// only the lines with a keyword of some detector are kept, and the one after,
// where a value may be continued, since the detectors' expressions are slow.
// Only a private key has no keyword in most of its lines.
func (d *detectors) relevant(f field) string {
	text := f.name + ": " + f.value
	if strings.Contains(f.value, "PRIVATE KEY") {
		return text
	}
	var b strings.Builder
	keep := false
	for l := range strings.Lines(text) {
		found := d.keywords.MatchFirstString(strings.ToLower(l)) != nil
		if found || keep {
			b.WriteString(l)
		}
		keep = found
	}
	return b.String()
}

func generic(h hit) int {
	if strings.HasPrefix(h.Detector, "generic") {
		return 1
	}
	return 0
}

// unscanned kinds hold schemas, or what is already encrypted.
var unscanned = []string{"CustomResourceDefinition", "SealedSecret"}

// visit calls f with every string in a top-level field of an object and how to
// name its place.
func visit(o *object.Object, key string, v any, f func(field, func() string)) {
	switch {
	case key == "apiVersion" || key == "kind" || key == "sops":
	case key == "data" && isSecret(o):
		decoded(v, f)
	default:
		(&place{key: key}).walk(key, v, f)
	}
}

func isSecret(o *object.Object) bool { return o.Kind == "Secret" && o.Group() == "" }

// decoded visits the values of a Secret's data.
func decoded(v any, f func(field, func() string)) {
	m, _ := v.(map[string]any)
	for k, v := range m {
		s, _ := v.(string)
		if b, err := base64.StdEncoding.DecodeString(s); err == nil && utf8.Valid(b) {
			s = string(b)
		}
		f(field{k, s}, func() string { return ir.Pointer("data", k) })
	}
}

// place is where a walk is: its pointer is only written for a hit.
type place struct {
	up  *place
	key string
}

func (p *place) pointer() string {
	if p == nil {
		return ""
	}
	return p.up.pointer() + ir.Pointer(p.key)
}

// walk visits what stands at a place, under the name of its nearest key.
func (p *place) walk(name string, v any, f func(field, func() string)) {
	switch v := v.(type) {
	case string:
		f(field{name, v}, p.pointer)
	case []any:
		for i, e := range v {
			(&place{p, strconv.Itoa(i)}).walk(name, e, f)
		}
	case map[string]any:
		named, _ := v["name"].(string) // {name: PASSWORD, value: …}
		for k, e := range v {
			as := k
			if _, ok := e.(string); ok && k == "value" && named != "" {
				as = named
			}
			(&place{p, k}).walk(as, e, f)
		}
	}
}
