// Package job writes what runs the shards of a fleet and their assembly: Jobs of
// Kubernetes, a workflow of GitHub Actions, jobs of GitLab CI.
//
// They are a beginning to be read and kept in git, so they are templates with
// comments. All of them run one image, pinned by its digest: what another program
// computed is of no use to a shard. No secret is ever an argument or stands in
// what is written.
package job

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/darkstart-dev/darkstart/compiler/shard"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

//go:embed *.yaml
var templates embed.FS

// Job is a fleet's compile on many machines.
type Job struct {
	Shards int
	// Registry is the repository of the shards, "oci://host/path".
	Registry string
	// Image has darkstart, git and a shell; "host/path@sha256:…".
	Image string
	// Dir is the fleet's folder below the root of its repository.
	Dir string
	// Repository is what pods clone, at Revision, a full commit id; or they find
	// the checkout in a volume, that of Claim. For Kubernetes alone: a forge
	// knows what it runs for.
	Repository, Revision, Claim string
}

// Targets are what can be written, in the order of their names. Each bounds how
// many jobs it starts at once.
func Targets() []string { return []string{"github", "gitlab", "kubernetes"} }

var limits = map[string]struct {
	count int
	who   string
}{
	"github": {256, "a matrix of GitHub Actions"}, "gitlab": {200, "parallel of GitLab CI"}, "kubernetes": {shard.MaxCount, "a fleet"},
}

var (
	commit     = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	repository = regexp.MustCompile(`^oci://[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$`)
	volume     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)
)

// Write returns the YAML for a target.
func (j *Job) Write(target string) ([]byte, diag.List, error) {
	if ds := j.check(target); len(ds) > 0 {
		return nil, ds, nil
	}
	t, err := template.New("").Funcs(template.FuncMap{"quote": quote, "short": short}).ParseFS(templates, "*.yaml")
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	err = t.ExecuteTemplate(&b, target+".yaml", j)
	return b.Bytes(), nil, err
}

// Indexes are those of all shards.
func (j *Job) Indexes() string {
	var out []string
	for i := range j.Shards {
		out = append(out, fmt.Sprint(i))
	}
	return strings.Join(out, ", ")
}

func (j *Job) check(target string) (ds diag.List) {
	refuse := func(fix, format string, args ...any) {
		ds.Add(diag.Errorf("SHD006", format, args...).Fix("%s", fix))
	}
	l, ok := limits[target]
	if !ok || !slices.Contains(Targets(), target) {
		refuse("write one of "+strings.Join(Targets(), ", "), "nothing is known of %q", target)
		return ds
	}
	if j.Shards < 1 || j.Shards > l.count {
		refuse(fmt.Sprintf("use --shards 1 to %d; docs/scale.md says how many a fleet needs", l.count), "%d shards are not for %s", j.Shards, l.who)
	}
	if !repository.MatchString(j.Registry) {
		refuse("name a repository for the shards alone, --to oci://HOST/PATH", "%q is no repository", j.Registry)
	}
	if name, sum, _ := strings.Cut(j.Image, "@"); name == "" || strings.ContainsAny(name, " \t\r\n$") || !pinned(sum) {
		refuse("name it by its digest, --image HOST/PATH@sha256:…: a tag can move between two pods, and shards by another program are of no use", "the image %q is not pinned", j.Image)
	}
	if strings.Contains(j.Dir, "${{") || strings.ContainsFunc(j.Dir, func(r rune) bool { return r < ' ' }) {
		refuse("name a folder below the root of the repository, for example fleets/eu", "%q is no folder of a fleet", j.Dir)
	}
	if target != "kubernetes" {
		return ds
	}
	switch {
	case (j.Repository == "") == (j.Claim == ""):
		refuse("name what pods clone, --repository URL, or the volume that has a checkout, --claim NAME", "the fleet comes from nowhere, or from two places")
	case j.Repository != "" && !commit.MatchString(j.Revision):
		refuse("name a whole commit id, --revision $(git rev-parse HEAD): a branch moves between two pods", "%q is no commit", j.Revision)
	case j.Claim != "" && !volume.MatchString(j.Claim):
		refuse("name a PersistentVolumeClaim of the Jobs' namespace", "%q is no volume claim", j.Claim)
	}
	return ds
}

func pinned(sum string) bool {
	_, err := digest.Parse(sum)
	return err == nil
}

// quote writes a scalar that YAML reads as it is: JSON is a subset of it.
func quote(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSpace(b.String()), err
}

// short tells revisions apart in the name of a Job, which cannot be changed once
// it is there.
func short(revision string) string {
	if revision == "" {
		return ""
	}
	return "-" + revision[:12]
}
