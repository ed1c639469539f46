package seal

import (
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// maxName is what one USTAR name field holds: longer names would be split into
// prefix and name, which readers join in their own ways.
const maxName = 100

// banned are names, as path.Match patterns on one path element in lower case,
// that a consumer would drop, obey or take for something else.
var banned = []struct{ reason, patterns string }{
	{
		"Flux drops it silently: it is on the default ignore list of source-controller",
		".git .gitignore .gitmodules .gitattributes " +
			"*.jpg *.jpeg *.gif *.png *.wmv *.flv *.tar.gz *.zip " +
			".github .circleci .travis.yml .gitlab-ci.yml appveyor.yml .drone.yml cloudbuild.yaml codeship-services.yml codeship-steps.yml " +
			".goreleaser.yml .goreleaser.yaml .sops.yaml .flux.yaml",
	},
	{"Flux would obey it and drop other files of the bundle", ".sourceignore"},
	{"Argo CD would obey it and change what is applied", ".argocd-source*.yaml"},
	{"Argo CD would take the folder for a Helm chart", "chart.yaml"},
	{"Argo CD would evaluate it", "*.jsonnet"},
}

// checkNames refuses every file name that some consumer would read otherwise
// than it stands, and every pair that some file system would merge.
func checkNames(artifact string, files *held) diag.List {
	var diags diag.List
	seen := map[string]string{} // folded prefix, "/" behind directories, to its spelling
	for i := range files.files {
		name := files.files[i].path
		d := checkName(name)
		if d == nil {
			d = checkCollision(seen, name)
		}
		if d != nil {
			d.Note("in artifact %q", artifact)
		}
		diags.Add(d)
	}
	return diags
}

func checkName(name string) *diag.Diagnostic {
	switch {
	case name == "" || len(name) > maxName:
		return diag.Errorf("SEA001", "file name of %d bytes in a bundle: %.120q", len(name), name).
			Fix("keep names between 1 and %d bytes: shorten the component, part or object name", maxName)
	case strings.Trim(name, allowedBytes) != "" || !clean(name):
		return diag.Errorf("SEA001", "file name %q cannot stand in a bundle", name).
			Note("names are relative, without empty, . or .. elements, and made of A-Z a-z 0-9 . _ / -").
			Fix("rename the component, part or object that this file is named after")
	case name == RecordPath || name == GuardDir || strings.HasPrefix(name, GuardDir+"/"):
		return diag.Errorf("SEA004", "%s belongs to the release record and cannot be content", name).
			Fix("rename the component: %q is reserved", "_guard")
	}
	return checkBanned(name)
}

const allowedBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-"

func clean(name string) bool {
	return path.Clean(name) == name && !path.IsAbs(name) && name != "." && name != ".." && !strings.HasPrefix(name, "../")
}

func checkBanned(name string) *diag.Diagnostic {
	for element := range strings.SplitSeq(strings.ToLower(name), "/") {
		reason, ok := bans().names[element]
		if !ok {
			if i := slices.IndexFunc(bans().patterns, func(b ban) bool { return b.match(element) }); i >= 0 {
				reason, ok = bans().patterns[i].reason, true
			}
		}
		if ok {
			return diag.Errorf("SEA003", "%s has a name that delivery tools treat specially", name).
				Note("%s", reason).
				Fix("rename the component, part or object that this file is named after")
		}
	}
	return nil
}

// ban is a pattern with one wildcard.
type ban struct{ before, after, reason string }

func (b *ban) match(element string) bool {
	return len(element) >= len(b.before)+len(b.after) && strings.HasPrefix(element, b.before) && strings.HasSuffix(element, b.after)
}

// bans is banned in the form that many names are checked with: most of them are
// whole names, which are looked up.
var bans = sync.OnceValue(func() (b struct {
	names    map[string]string // to the reason
	patterns []ban
},
) {
	b.names = map[string]string{}
	for _, x := range banned {
		for p := range strings.FieldsSeq(x.patterns) {
			if before, after, ok := strings.Cut(p, "*"); ok {
				b.patterns = append(b.patterns, ban{before, after, x.reason})
			} else {
				b.names[p] = x.reason
			}
		}
	}
	return b
})

// checkCollision records the name and its directories, and reports the first
// that another name spells differently or uses as a file.
func checkCollision(seen map[string]string, name string) *diag.Diagnostic {
	var d *diag.Diagnostic
	elements := strings.Split(name, "/")
	for i := range elements {
		spelling, dir := strings.Join(elements[:i+1], "/"), i < len(elements)-1
		key := strings.ToLower(spelling)
		if dir {
			spelling += "/"
		}
		old, ok := seen[key]
		seen[key] = spelling
		if d == nil && ok && (old != spelling || !dir) {
			d = diag.Errorf("SEA002", "%s and %s are one name on some file systems", strings.TrimSuffix(old, "/"), name).
				Fix("rename one of them so that they differ in more than case, and no file is also a folder")
		}
	}
	return d
}
