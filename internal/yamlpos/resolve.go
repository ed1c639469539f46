package yamlpos

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// words are the plain scalars that YAML 1.1, as kubectl reads it, gives a
// value other than their text. A differential test holds this file to
// sigs.k8s.io/yaml.
var words = map[string]any{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true,
	"true": true, "True": true, "TRUE": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false,
	"false": false, "False": false, "FALSE": false, "off": false, "Off": false, "OFF": false,
	"": nil, "~": nil, "null": nil, "Null": nil, "NULL": nil,
	".nan": math.NaN(), ".NaN": math.NaN(), ".NAN": math.NaN(),
	".inf": math.Inf(1), ".Inf": math.Inf(1), ".INF": math.Inf(1),
	"+.inf": math.Inf(1), "+.Inf": math.Inf(1), "+.INF": math.Inf(1),
	"-.inf": math.Inf(-1), "-.Inf": math.Inf(-1), "-.INF": math.Inf(-1),
}

var floatText = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// resolve gives a plain scalar its value: nil, bool, int64, float64 or string.
func resolve(in string) any {
	if len(in) <= 5 {
		if v, ok := words[in]; ok {
			return v
		}
	}
	if in == "" {
		return nil
	}
	switch c := in[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(in, 64); err == nil {
			return Number(f)
		}
	case c == '+' || c == '-' || '0' <= c && c <= '9':
		return number(in)
	}
	return in
}

func number(in string) any {
	plain := strings.ReplaceAll(in, "_", "")
	if v, ok := integer(plain, 0); ok {
		return v
	}
	if floatText.MatchString(plain) {
		if f, err := strconv.ParseFloat(plain, 64); err == nil {
			return Number(f)
		}
	}
	return in
}

func integer(text string, base int) (any, bool) {
	if i, err := strconv.ParseInt(text, base, 64); err == nil {
		return i, true
	}
	if u, err := strconv.ParseUint(text, base, 64); err == nil {
		return float64(u), true
	}
	return nil, false
}

// Number returns a float as JSON hands it on: an integer where its text is
// one, so that 1.0 and 1 are the same value after rendering.
func Number(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return int64(f)
	}
	return f
}
