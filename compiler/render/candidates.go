package render

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// candidate is a scalar that could have become the value of a field.
type candidate struct {
	path     []string
	document int
	value    any
	at       diag.Label
	// edit is the change that gives it another text; not ok when it cannot have
	// that one.
	edit func(to string) (change, bool)
}

// marker is what trials put behind a text: letters and a digit, so that a name,
// a tag and a host stay ones.
const marker = "x7q"

// prove tries candidates, the likeliest first, and returns the places of those
// that the field follows. One that is the whole value ends it; parts are
// collected.
func (q *question) prove(cs []candidate) []diag.Label {
	var out []diag.Label
	for _, c := range q.ranked(cs) {
		if q.left == 0 || len(out) == maxContributions {
			break
		}
		if !q.follows(c) {
			continue
		}
		if q.equals(c.value) {
			return append([]diag.Label{c.at}, out...)
		}
		out = append(out, c.at)
	}
	return out
}

func (q *question) equals(v any) bool { return text(v) == text(q.value) }

// ranked drops what cannot be the value or a part of it, and sorts the rest.
func (q *question) ranked(cs []candidate) []candidate {
	type scored struct {
		candidate
		score int
	}
	var out []scored
	for _, c := range cs {
		if n := q.score(c); n > 0 {
			out = append(out, scored{c, n})
		}
	}
	slices.SortStableFunc(out, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	ranked := make([]candidate, len(out))
	for i, s := range out {
		ranked[i] = s.candidate
	}
	return ranked
}

// writers are the fields of build files whose values stand in fields of another
// name.
var writers = map[string]bool{"newTag": true, "newName": true, "digest": true, "tag": true, "repository": true, "registry": true, "count": true, "value": true, "namespace": true, "namePrefix": true, "nameSuffix": true}

func (q *question) score(c candidate) int {
	whole, part := text(q.value), text(c.value)
	score := 0
	switch {
	case part == "" || c.value == nil:
		return 0
	case whole == part:
		score = 40
	case q.partial(c.value):
		score = 10 + min(len(part), 9)
	default:
		return 0
	}
	if len(c.path) == 0 {
		return score
	}
	last := c.path[len(c.path)-1]
	switch {
	case last == q.leaf[len(q.leaf)-1]:
		score += 40
	case writers[last]:
		score += 20
	case whole == part && len(whole) < 3: // a digit or a word that stands everywhere
		score -= 30
	}
	return score + 2*common(c.path, q.leaf)
}

// partial reports whether a text is a part of the field's, or holds it behind
// the key of a literal.
func (q *question) partial(v any) bool {
	whole, isText := q.value.(string)
	part := text(v)
	return isText && len(part) > 1 && strings.Contains(whole, part) || len(whole) > 0 && strings.HasSuffix(part, "="+whole)
}

// common counts how many of the last tokens are equal.
func common(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// follows changes a candidate and looks whether the field changes with it.
func (q *question) follows(c candidate) bool {
	for _, to := range others(c.value) {
		ch, ok := c.edit(to)
		if !ok {
			continue
		}
		o := q.try(ch)
		if o == nil {
			continue
		}
		v, depth := object.At(o.Content(), q.leaf)
		return depth == len(q.leaf) && q.aligned(o.Content()) && q.expected(text(c.value), to, text(v))
	}
	return false
}

// aligned reports whether the lists on the way to the field are as long as they
// were: else another item may stand at its index.
func (q *question) aligned(content any) bool {
	was := any(q.object.Content())
	for i := range q.leaf {
		before, isList := was.([]any)
		after, stillList := content.([]any)
		if isList != stillList || len(before) != len(after) {
			return false
		}
		was, _ = object.At(was, q.leaf[i:i+1])
		content, _ = object.At(content, q.leaf[i:i+1])
	}
	return true
}

// expected reports whether a field became what follows from a change.
func (q *question) expected(from, to, got string) bool {
	whole := text(q.value)
	if got == whole {
		return false
	}
	if whole == from {
		return got == to
	}
	if key, ok := strings.CutSuffix(from, "="+whole); ok {
		return key+"="+got == to
	}
	for at := 0; ; {
		i := strings.Index(whole[at:], from)
		if i < 0 {
			return got == strings.ReplaceAll(whole, from, to)
		}
		at += i
		if got == whole[:at]+to+whole[at+len(from):] {
			return true
		}
		at++
	}
}

// others are texts to change a value to. A digest stays one.
func others(v any) []string {
	switch x := v.(type) {
	case bool:
		return []string{strconv.FormatBool(!x)}
	case int64:
		return []string{strconv.FormatInt(x+1, 10)}
	case float64:
		return []string{text(x + 1)}
	case string:
		if _, hex, ok := strings.Cut(x, "sha256:"); ok && len(hex) == 64 {
			last := "0"
			if strings.HasSuffix(x, "0") {
				last = "1"
			}
			return []string{x[:len(x)-1] + last}
		}
		if _, err := strconv.Atoi(x); err == nil {
			return []string{x + "1", x + marker}
		}
		return []string{x + marker, x + "7"}
	}
	return nil
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool, int64:
		return fmt.Sprint(x)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return ""
}

// like gives a text the type of a value.
func like(v any, to string) any {
	switch v.(type) {
	case bool:
		return to == "true"
	case int64, float64:
		if n, err := strconv.ParseInt(to, 10, 64); err == nil {
			return n
		}
		f, _ := strconv.ParseFloat(to, 64)
		return f
	}
	return to
}
