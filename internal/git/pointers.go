package git

import (
	"path"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/go-git/go-git/v5/plumbing"
)

// compiled are the kinds of files that a compile reads. Pictures and films of
// the documentation may well be in Git LFS: nobody asks for them.
var compiled = []string{".cue", ".yaml", ".yml", ".json", ".rego", ".tgz", ".tpl", ".lock", ".toml"}

// refusePointers reports the inputs that .gitattributes gives to Git LFS. A
// pointer without the attribute is refused when it is read: looking for it
// would mean to read every file.
func (l *listing) refusePointers() {
	if !l.usesLFS() {
		return
	}
	attrs := l.repo.attributes(l.ruleText)
	l.entries = slices.DeleteFunc(l.entries, func(e tree.Entry) bool {
		if e.Size >= 1024 || !slices.Contains(compiled, path.Ext(e.Path)) {
			return false
		}
		if attrs.of(path.Join(l.dir, e.Path))["filter"] != "lfs" {
			return false
		}
		b, err := l.repo.store.read(plumbing.BlobObject, plumbing.NewHash(string(e.ID)))
		if err != nil || !isPointer(b) {
			return false
		}
		l.diags.Add(lfsPointer(e.Path))
		return true
	})
}

func (l *listing) usesLFS() bool {
	for name := range l.rules {
		if strings.Contains(l.ruleText(name), "lfs") {
			return true
		}
	}
	return false
}

func (l *listing) ruleText(name string) string {
	h, ok := l.rules[name]
	if !ok {
		return ""
	}
	b, err := l.repo.store.read(plumbing.BlobObject, h)
	if err != nil {
		return ""
	}
	return string(b)
}
