package helm

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// clock names the scripted functions that read the time; the other ones draw
// random numbers.
var clock = map[string]bool{"now": true, "ago": true, "date": true, "dateInZone": true, "htmlDate": true, "htmlDateInZone": true, "durationRound": true}

// script says how the functions that are no functions answer in a rendering.
type script struct {
	// taint gives call n the other one of two answers.
	taint func(n int) bool
	// failAt makes call failAt-1 fail, so that the engine prints its place.
	failAt int
}

func always(int) bool           { return true }
func only(n int) func(int) bool { return func(m int) bool { return m == n } }

// errRefused marks a lookup, which has no answer at all.
var errRefused = errors.New("refused")

// oracle answers the calls of one rendering.
type oracle struct {
	script  script
	calls   []string
	refused string // a function that is refused however it is used
}

// ask records a call and returns which of two answers it gets.
func (o *oracle) ask(name string) (bool, error) {
	n := len(o.calls)
	o.calls = append(o.calls, name)
	if o.script.failAt == n+1 {
		return false, errRefused
	}
	return o.script.taint != nil && o.script.taint(n), nil
}

func (o *oracle) text(name string, n int) (string, error) {
	if n < 0 || n > maxText {
		return "", fmt.Errorf("%s: length %d is out of bounds", name, n)
	}
	tainted, err := o.ask(name)
	letter := "1"
	if tainted {
		letter = "9"
	}
	return strings.Repeat(letter, n), err
}

// certificate has the fields of sprig's, which templates read.
type certificate struct{ Cert, Key string }

func (o *oracle) certificate(name string) (certificate, error) {
	s, err := o.text(name, 64)
	return certificate{"-----BEGIN CERTIFICATE-----\n" + s, "-----BEGIN PRIVATE KEY-----\n" + s}, err
}

// Bounds of what a template may ask for in one call.
const (
	maxText  = 1 << 20
	maxItems = 100_000
)

// functions replaces what depends on anything but its arguments, and bounds
// what allocates by a number.
func (o *oracle) functions() template.FuncMap {
	f := template.FuncMap{}
	maps.Copy(f, o.randomness())
	maps.Copy(f, o.time())
	maps.Copy(f, bounded())
	f["lookup"] = func(string, string, string, string) (map[string]any, error) {
		o.refused = cmp.Or(o.refused, "lookup")
		return nil, errRefused
	}
	f["getHostByName"] = func(string) (string, error) {
		o.refused = cmp.Or(o.refused, "getHostByName")
		return "", errRefused
	}
	return f
}

func (o *oracle) randomness() template.FuncMap {
	f := template.FuncMap{
		"uuidv4":        func() (string, error) { return o.text("uuidv4", 36) },
		"randInt":       o.randInt,
		"shuffle":       func(s string) (string, error) { return o.text("shuffle", len(s)) },
		"genPrivateKey": func(string) (string, error) { return o.text("genPrivateKey", 64) },
		"htpasswd":      func(u, _ string) (string, error) { s, err := o.text("htpasswd", 60); return u + ":" + s, err },
		"bcrypt":        func(string) (string, error) { return o.text("bcrypt", 60) },
		"encryptAES":    func(_, _ string) (string, error) { return o.text("encryptAES", 64) },
	}
	for _, name := range []string{"randAlphaNum", "randAlpha", "randNumeric", "randAscii", "randBytes"} {
		f[name] = func(n int) (string, error) { return o.text(name, n) }
	}
	for _, name := range []string{
		"genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
		"genSignedCert", "genSignedCertWithKey",
	} {
		f[name] = func(...any) (certificate, error) { return o.certificate(name) }
	}
	return f
}

func (o *oracle) randInt(lo, hi int) (int, error) {
	tainted, err := o.ask("randInt")
	if tainted && hi > lo {
		return hi - 1, err
	}
	return lo, err
}

// now answers with one of two times that no calendar field has in common.
func (o *oracle) now(name string) (time.Time, error) {
	tainted, err := o.ask(name)
	if tainted {
		return time.Date(2099, 12, 31, 23, 59, 58, 0, time.UTC), err
	}
	return time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC), err
}

// instant reads what sprig takes for a time. Anything else means now to sprig.
func (o *oracle) instant(name string, v any) (time.Time, error) {
	switch x := v.(type) {
	case time.Time:
		return x, nil
	case *time.Time:
		return *x, nil
	case int64:
		return time.Unix(x, 0), nil
	case int:
		return time.Unix(int64(x), 0), nil
	case int32:
		return time.Unix(int64(x), 0), nil
	}
	return o.now(name)
}

// time replaces what reads the clock, or the zone of the machine: dates are
// printed and parsed in UTC unless the template names a zone.
func (o *oracle) time() template.FuncMap {
	format := func(name, layout string, v any, zone string) (string, error) {
		t, err := o.instant(name, v)
		loc, zoneErr := time.LoadLocation(zone)
		if zoneErr != nil {
			loc = time.UTC
		}
		return t.In(loc).Format(layout), err
	}
	sprigRound, _ := sprig.TxtFuncMap()["durationRound"].(func(any) string)
	return template.FuncMap{
		"now":            func() (time.Time, error) { return o.now("now") },
		"ago":            func(any) (string, error) { t, err := o.now("ago"); return t.String(), err },
		"date":           func(l string, v any) (string, error) { return format("date", l, v, "UTC") },
		"htmlDate":       func(v any) (string, error) { return format("htmlDate", "2006-01-02", v, "UTC") },
		"dateInZone":     func(l string, v any, z string) (string, error) { return format("dateInZone", l, v, z) },
		"htmlDateInZone": func(v any, z string) (string, error) { return format("htmlDateInZone", "2006-01-02", v, z) },
		"date_in_zone":   func(l string, v any, z string) (string, error) { return format("dateInZone", l, v, z) },
		"toDate":         func(l, s string) time.Time { t, _ := time.ParseInLocation(l, s, time.UTC); return t },
		"mustToDate":     func(l, s string) (time.Time, error) { return time.ParseInLocation(l, s, time.UTC) },
		"durationRound": func(v any) (string, error) {
			if _, isTime := v.(time.Time); isTime {
				t, err := o.now("durationRound")
				return t.String(), err
			}
			return sprigRound(v), nil
		},
	}
}

// bounded replaces what walks a map in no order, and what allocates as much as
// a number says.
func bounded() template.FuncMap {
	funcs := sprig.TxtFuncMap()
	until, _ := funcs["until"].(func(int) []int)
	untilStep, _ := funcs["untilStep"].(func(int, int, int) []int)
	return template.FuncMap{
		"keys":   keys,
		"values": func(m map[string]any) []any { return valuesOf(m) },
		"until": func(n int) ([]int, error) {
			if n > maxItems || n < -maxItems {
				return nil, fmt.Errorf("until %d has too many items", n)
			}
			return until(n), nil
		},
		"untilStep": func(start, stop, step int) ([]int, error) {
			if step != 0 && (stop-start)/step > maxItems {
				return nil, errors.New("untilStep has too many items")
			}
			return untilStep(start, stop, step), nil
		},
		"repeat": func(n int, s string) (string, error) {
			if n < 0 || n*len(s) > maxText || n > maxText {
				return "", fmt.Errorf("repeat %d is too long", n)
			}
			return strings.Repeat(s, n), nil
		},
	}
}

// keys lists the keys of the maps, one map after the other.
func keys(ms ...map[string]any) []string {
	out := []string{}
	for _, m := range ms {
		out = append(out, slices.Sorted(maps.Keys(m))...)
	}
	return out
}

func valuesOf(m map[string]any) []any {
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
