package ir

import (
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Record is the release record inside a bundle, meta/bundle.json: everything
// about a release that is not content (DESIGN §7). Fields stand in the order
// of their JSON names, so that the encoding has sorted keys.
type Record struct {
	Artifact string `json:"artifact"`
	// Correlation is the first 12 hex digits of the content digest. It ties a
	// bundle to deploy objects and evidence; it never pins anything.
	Correlation string `json:"correlation"`
	// Issued is the committer time of Revision, RFC 3339 UTC; "" in a candidate.
	Issued string `json:"issued,omitempty"`
	// MinCompiler is the oldest compiler that can read the bundle, e.g. "0.1.0".
	MinCompiler string `json:"minCompiler"`
	// NotAfter is RFC 3339 UTC; "" for a release that does not expire.
	NotAfter string `json:"notAfter,omitempty"`
	// Previous is the manifest digest of the serial before; "" for the first.
	Previous digest.Digest `json:"previous,omitempty"`
	// Revision is the full commit id; "" for an uncommitted candidate.
	Revision string `json:"revision,omitempty"`
	// Serial counts the releases of one artifact from 1; 0 is a candidate.
	Serial int    `json:"serial"`
	Stream string `json:"stream"`
	// Waivers are those that the verdict on this release relied on, by id. It
	// is empty for a release that relied on none, and nil for a candidate and
	// for a release of before waivers were recorded.
	Waivers []RecordedWaiver `json:"waivers,omitzero"`
}

// RecordedWaiver is a waiver that a release relied on: enough to judge at any
// later time whether it still holds, and to find who accepted what. Fields
// stand in the order of their JSON names.
type RecordedWaiver struct {
	Expires string `json:"expires"` // as written: spec.WaiverEnd reads it
	ID      string `json:"id"`
	Owner   string `json:"owner"`
	Rule    string `json:"rule"`
	Ticket  string `json:"ticket,omitempty"`
}

// String says who accepted what, and until when.
func (w RecordedWaiver) String() string {
	s := w.Rule + " accepted by " + w.Owner + " until " + w.Expires + " (" + w.ID
	if w.Ticket != "" {
		s += ", " + w.Ticket
	}
	return s + ")"
}

// RecordedWaivers returns what a release of an artifact records: for a cluster
// the waivers of findings about it, for the fleet artifact those of findings
// that are about no single cluster. It is never nil.
func RecordedWaivers(all []WaiverResult, artifact string) []RecordedWaiver {
	out := []RecordedWaiver{}
	for _, w := range all {
		if w.State != WaiverUsed {
			continue
		}
		if slices.Contains(w.Clusters, artifact) || w.Fleet && artifact == FleetArtifact {
			out = append(out, RecordedWaiver{Expires: w.Expires, ID: w.ID, Owner: w.Owner, Rule: w.Rule, Ticket: w.Ticket})
		}
	}
	slices.SortFunc(out, func(a, b RecordedWaiver) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Candidate reports whether the content was never released.
func (r Record) Candidate() bool { return r.Serial == 0 }

// Recorded is one entry of releases/<stream>.json: a Record, without what the
// file's place already says, and with the digests of what was sealed.
type Recorded struct {
	Content     digest.Digest `json:"content"`
	Issued      string        `json:"issued"`
	Manifest    digest.Digest `json:"manifest"`
	MinCompiler string        `json:"minCompiler"`
	NotAfter    string        `json:"notAfter,omitempty"`
	Previous    digest.Digest `json:"previous,omitempty"`
	Revision    string        `json:"revision"`
	Serial      int           `json:"serial"`
	Tar         digest.Digest `json:"tar"`
	// Waivers as in Record.
	Waivers []RecordedWaiver `json:"waivers,omitzero"`
}

// Record returns the release record that was sealed for this entry.
func (e Recorded) Record(stream, artifact string) Record {
	return Record{
		Artifact: artifact, Correlation: e.Content.Short(), Issued: e.Issued,
		MinCompiler: e.MinCompiler, NotAfter: e.NotAfter, Previous: e.Previous,
		Revision: e.Revision, Serial: e.Serial, Stream: stream, Waivers: e.Waivers,
	}
}
