package release

import (
	"maps"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// DefaultStream holds every cluster of a project that declares no streams.
const DefaultStream = "main"

// Stream is a set of artifacts with one release key and one records file.
type Stream struct {
	Name      string
	Artifacts []string // sorted
}

// Streams assigns every cluster to exactly one stream, sorted by name. The
// fleet artifact belongs to the stream "main", or to the first one where there
// is no main. at returns the position of the declaration of a stream; nil knows
// none.
func Streams(declared map[string][]string, clusters []string, at func(stream string) diag.Position) ([]Stream, diag.List) {
	if at == nil {
		at = func(string) diag.Position { return diag.Position{} }
	}
	if len(declared) == 0 {
		declared = map[string][]string{DefaultStream: clusters}
	}
	var (
		out   []Stream
		diags diag.List
	)
	in := map[string]string{}
	names := slices.Sorted(maps.Keys(declared))
	for _, s := range names {
		if !name.MatchString(s) {
			diags.Add(diag.Errorf("REL006", "stream %q is not a name (letters, digits, . _ -)", s).At(at(s), "declared here").Fix("rename the stream"))
		}
		for _, c := range declared[s] {
			diags.Add(member(s, c, in, clusters, at))
			in[c] = s
		}
		out = append(out, Stream{Name: s, Artifacts: slices.Sorted(slices.Values(declared[s]))})
	}
	for _, c := range clusters {
		if in[c] == "" {
			diags.Add(diag.Errorf("REL006", "cluster %q is in no stream, so it can never be released", c).
				About(diag.Subject{Cluster: c}).At(at(names[0]), "streams are declared here").Fix("add %q to one of the streams", c))
		}
	}
	if diags.HasErrors() {
		return nil, diags.Sorted()
	}
	home := max(0, slices.Index(names, DefaultStream))
	out[home].Artifacts = append(out[home].Artifacts, ir.FleetArtifact)
	slices.Sort(out[home].Artifacts)
	return out, nil
}

func member(stream, cluster string, in map[string]string, clusters []string, at func(string) diag.Position) *diag.Diagnostic {
	if other := in[cluster]; other != "" {
		d := diag.Errorf("REL006", "cluster %q is in the streams %q and %q", cluster, other, stream).
			About(diag.Subject{Cluster: cluster}).At(at(stream), "listed here")
		if other != stream {
			d.At(at(other), "and here")
		}
		return d.Fix("leave it in one of them: a stream is what one release key signs")
	}
	if slices.Contains(clusters, cluster) {
		return nil
	}
	d := diag.Errorf("REL006", "stream %q lists %q, which is not a cluster", stream, cluster).At(at(stream), "listed here")
	if near := diag.Nearest(cluster, clusters); near != "" {
		return d.Fix("did you mean %q?", near)
	}
	return d.Fix("remove it, or add clusters/%s", cluster)
}

// Codes documents the diagnostics of this package.
var Codes = []diag.Entry{
	{
		Code: "REL001", Title: "release records cannot be read", Severity: diag.Error,
		Why: "`releases/<stream>.json` is not valid JSON of the expected shape. A merge conflict that was resolved by hand is the usual reason.",
		Fix: "Take the file from the delivery branch again and run `darkstart release`.",
	},
	{
		Code: "REL002", Title: "release records contradict themselves", Severity: diag.Error,
		Why: "Serials count up by one, each entry names the manifest of the one before, and each release holds recorded serials. Anything else cannot have been written by `darkstart release`.",
		Fix: "Take the file from the delivery branch again; records are never edited.",
	},
	{
		Code: "REL003", Title: "release records were removed or changed", Severity: diag.Error,
		Why: "Clusters and `darkstart verify` refuse a rollback by its serial. If history could be edited, a serial could mean two things.",
		Fix: "Restore the file from the base branch. Going back is a new entry with old content.",
	},
	{
		Code: "REL004", Title: "a release needs a commit", Severity: diag.Error,
		Why: "A release names the revision that anyone can compile it from again. The index and the working tree have none.",
		Fix: "Commit, and run `darkstart release` on the delivery branch.",
	},
	{
		Code: "REL005", Title: "a recorded release cannot be made again", Severity: diag.Error,
		Why: "This compiler makes other content of the recorded revision, or seals the same content to other bytes than the recorded ones. One serial would name two artifacts.",
		Fix: "Compile with the version that made the release. Or give what this version makes a serial of its own: `darkstart release --renew` where the content is the same, else `darkstart release`.",
	},
	{
		Code: "REL006", Title: "clusters and streams do not fit", Severity: diag.Error,
		Why: "A stream is what one release key signs, so each cluster is in exactly one.",
		Fix: "List every cluster in one stream of `darkstart.cue`, or declare no streams at all.",
	},
}
