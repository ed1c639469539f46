package evaluate_test

import (
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/evaluate"
)

func TestAddField(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"lines", "components: {\n\tweb: {\n\t\tphase: \"a\"\n\t}\n}\n", "components: {\n\tweb: {\n\t\towner: \"todo\"\n\t\tphase: \"a\"\n\t}\n}\n"},
		{"a line", "components: web: {phase: \"a\"}\n", "components: web: {owner: \"todo\", phase: \"a\"}\n"},
		{"empty", "components: {web: {}}\n", "components: {web: {owner: \"todo\"}}\n"},
		{"unified", "components: web: base.#Web & {phase: \"a\"}\n", "components: web: base.#Web & {owner: \"todo\", phase: \"a\"}\n"},
		{"a chain", "components: web: phase: \"a\"\nowner: \"x\"\n", "components: web: phase: \"a\"\ncomponents: web: owner: \"todo\"\nowner: \"x\"\n"},
		{"referred to", "components: web: base.#Web\n", "components: web: base.#Web\ncomponents: web: owner: \"todo\"\n"},
		{"quoted", "components: \"web\": {}\n", "components: \"web\": {owner: \"todo\"}\n"},
		{"twice", "components: db: {}\ncomponents: web: {}\n", "components: db: {}\ncomponents: web: {owner: \"todo\"}\n"},
		{"not here", "name: \"x\"\n", ""},
		{"broken", "components: {", ""},
	} {
		at, text, ok := evaluate.AddField("a.cue", []byte(c.src), []string{"components", "web"}, "owner", "todo")
		if ok != (c.want != "") {
			t.Errorf("%s: ok is %v", c.name, ok)
			continue
		}
		if got := c.src[:at] + text + c.src[at:]; ok && got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
		} else if formatted, ds := evaluate.Format("a.cue", []byte(got)); ok && (len(ds) > 0 || string(formatted) != got) {
			t.Errorf("%s: not as cue fmt writes it: %v\n%s", c.name, ds, formatted)
		}
	}
	if at, text, _ := evaluate.AddField("a.cue", []byte("procedures: \"a-b\": fails\n"), []string{"procedures", "a-b"}, "owner", "todo"); text != "\nprocedures: \"a-b\": owner: \"todo\"" || at != 24 {
		t.Errorf("got %q at %d", text, at)
	}
}
