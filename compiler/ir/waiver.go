package ir

import (
	"path"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// Waiver is one acceptance as it was written: an entry of waivers/*.cue, or a
// comment beside a line. Where it is written changes nothing else about it.
type Waiver struct {
	spec.Waiver
	// ID is the entry's name, or file:line of a comment.
	ID string
	At diag.Position
	// Beside is what a comment speaks about; nil for an entry of waivers/*.cue.
	Beside *Lines
}

// Lines is a range of lines in the file of a comment.
type Lines struct {
	First, Last int
	// All is set when they are all lines of the file.
	All bool
}

// Covers reports whether the waiver's scope includes the finding. Every field
// that is set must match: a path covers what lies below it; the others are
// patterns in which * stays within a segment. A comment covers what is reported
// at its lines.
func (w *Waiver) Covers(f *diag.Diagnostic) bool {
	glob := func(pattern, s string) bool {
		ok, err := path.Match(pattern, s)
		return pattern == "" || err == nil && ok
	}
	return w.Rule == f.Code &&
		glob(w.Cluster, f.Subject.Cluster) && glob(w.Component, f.Subject.Component) &&
		glob(w.Object, f.Subject.Object) && glob(w.Node, f.Subject.Node) &&
		(w.Path == "" || f.Subject.Path == w.Path || strings.HasPrefix(f.Subject.Path, strings.TrimSuffix(w.Path, "/")+"/")) &&
		w.beside(f.Primary())
}

// beside looks at the primary position alone: a finding names every place that
// contributed, and a comment beside one of those speaks of something else.
func (w *Waiver) beside(p diag.Position) bool {
	return w.Beside == nil || p.File == w.At.File && w.Beside.First <= p.Line && p.Line <= w.Beside.Last
}

// Everything reports whether the scope leaves nothing of the rule out: no field
// narrows it, or only with patterns that match anything.
func (w *Waiver) Everything() bool {
	if w.Beside != nil && !w.Beside.All {
		return false
	}
	return strings.Trim(w.Cluster+w.Component+w.Object+w.Node+w.Path, "*/") == ""
}

// Subject is what the waiver is about, as far as it says.
func (w *Waiver) Subject() diag.Subject {
	return diag.Subject{Cluster: w.Cluster, Component: w.Component, Object: w.Object, Node: w.Node, Path: w.Path}
}

// WaiverState is what became of a waiver in one run.
type WaiverState string

// The states of a waiver.
const (
	WaiverUsed    WaiverState = "used"    // it holds, and a finding is accepted by it
	WaiverUnused  WaiverState = "unused"  // it holds, and no finding matches
	WaiverUnknown WaiverState = "unknown" // it holds, and what it covers was not judged
	WaiverExpired WaiverState = "expired"
	WaiverRefused WaiverState = "refused" // malformed, or too long
)

// WaiverResult is a waiver and what became of it.
type WaiverResult struct {
	Waiver
	State WaiverState
	// Ends is the RFC 3339 time at which it stops to hold; "" where it names
	// none.
	Ends     string
	Findings int // that it covers
	// Clusters holds those that findings accepted by it are about, sorted; Fleet
	// is set when one is about no single cluster. Where several waivers cover a
	// finding, it is accepted by the one that holds longest.
	Clusters []string
	Fleet    bool
}
