package git

import (
	"testing"
)

// FuzzRules: rule files come with the repository, so no line may panic or hang
// the matcher. What a glob means is held against git by the random
// repositories.
func FuzzRules(f *testing.F) {
	for _, s := range []string{"*.log\n!x\n/a/**/b\n[!a-z]\n[[:digit:]]\n[\n\\", "\"a\\303\\244\" text=auto -diff !eol\n[attr]m text\n* m binary", "**\n**/\n/\n!\n#\n\\#\n a \n[]-a]\n[z-a]"} {
		f.Add(s, "a/b c/x.log")
	}
	f.Fuzz(func(t *testing.T, rules, name string) {
		for _, l := range parseIgnore(rules, "", len(rules)%2 == 0) {
			l.match(name, true)
		}
		a := &attributes{read: func(string) string { return "" }, files: map[string][]attrLine{}, macros: map[string][]attr{}}
		a.info = a.parse(rules, "", true)
		attrs := map[string]string{}
		a.fill(attrs, a.info, name)
		how, _ := settings{autocrlf: "true"}.conversion(attrs)
		once := how.toGit([]byte(rules), func() bool { return false })
		if twice := how.toGit(once, func() bool { return false }); string(once) != string(twice) && how.ends != forced {
			t.Fatalf("converted twice: %q, then %q", once, twice)
		}
		if p, ok := newPattern(name, "", false); ok && p.re == nil && !p.dirOnly && name[0] != '/' && !p.match(name, false) {
			t.Fatalf("%q does not match itself", name)
		}
	})
}
