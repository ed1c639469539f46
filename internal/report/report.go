// Package report is everything that is printed, for people and for machines.
//
// A run of any command ends in one Result: a versioned value that says what
// was read, what was found, what was not evaluated, and what was made. JSON
// writes it as it is; every other format is a replay of it and sees nothing
// else but the sources of a code frame. So formats cannot disagree, and
// a Result that was kept can be shown again later.
//
// Two things must never be said here: that something passed which was not
// evaluated (D6), and anything from a user's file that a terminal would obey.
package report

import (
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/plans"
)

// Version of the result format. Fields may be added to it; a reader refuses
// another version.
const Version = "darkstart.dev/result/v1"

// Result is what one run has to say.
type Result struct {
	Version string `json:"version"`
	Tool    Tool   `json:"tool"`
	// Command is the subcommand: "check", "compile", …
	Command  string    `json:"command"`
	Revision *Revision `json:"revision,omitempty"`
	// Root is the fleet's folder below the repository's root, "" for the root
	// itself: files of diagnostics are relative to it.
	Root  string `json:"root,omitempty"`
	Fleet *Fleet `json:"fleet,omitempty"`
	// Diagnostics are in their total order, waived ones included; never null.
	Diagnostics diag.List `json:"diagnostics"`
	// Rules is nil when the guardrails were not reached.
	Rules *Rules `json:"rules,omitempty"`
	Plan  *Plan  `json:"plan,omitempty"`
	// Tests is what tests of policies said.
	Tests     *ir.TestRun `json:"tests,omitempty"`
	Artifacts []Artifact  `json:"artifacts,omitempty"`
	// Shard is where compile --shard left what it computed.
	Shard *Shard `json:"shard,omitempty"`
	// Changes are what the run changed in the repository, one line each.
	Changes []string `json:"changes,omitempty"`
	// Base is what the run was compared with, Diff what changed since in what
	// engines apply and in what comes back; nil without --base.
	Base *Base     `json:"base,omitempty"`
	Diff *ir.Delta `json:"diff,omitempty"`
	// Catalogue documents every guardrail that was asked, and every other code
	// that was printed; Sources are the lines that findings point at.
	Catalogue []ir.RuleDoc `json:"catalogue,omitempty"`
	Sources   []Source     `json:"sources,omitempty"`
	Summary   Summary      `json:"summary"`
	// Error is why the job could not be done: a problem of the environment,
	// not of the input (D5).
	Error string `json:"error,omitempty"`
	// FailOn is the lowest severity that fails: "error", "warning", "note", or
	// "never".
	FailOn   string `json:"failOn,omitempty"`
	ExitCode int    `json:"exitCode"`
}

// Base is the revision that a change is judged against.
type Base struct {
	// Ref is what was asked for, Commit the merge base that was compared with.
	Ref    string `json:"ref"`
	Commit string `json:"commit,omitempty"`
	// Old counts the findings that the base has too; All says that they count all
	// the same (--all).
	Old int  `json:"old"`
	All bool `json:"all,omitempty"`
	// Fixed are findings of the base that the change has not.
	Fixed []Fixed `json:"fixed,omitempty"`
	// NotCompared says why the base could not be judged: every finding counts.
	NotCompared string `json:"notCompared,omitempty"`
}

// Fixed is a finding that is gone.
type Fixed struct {
	Code        string `json:"code"`
	Message     string `json:"message"`
	Fingerprint string `json:"fingerprint"`
}

// RuleDoc documents a guardrail or another code.
type RuleDoc = ir.RuleDoc

// Tool is the program that made the result.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Revision is what was read, and the moment it was judged at (D13).
type Revision struct {
	Kind   string `json:"kind"` // commit, index or worktree
	Commit string `json:"commit,omitempty"`
	Tree   string `json:"tree,omitempty"`
	Time   string `json:"time,omitempty"` // RFC 3339
	Now    string `json:"now,omitempty"`  // RFC 3339
}

// Fleet counts what was compiled.
type Fleet struct {
	Clusters   []Cluster `json:"clusters"`
	Components int       `json:"components"`
	Objects    int       `json:"objects"`
	// Validated objects were judged by a schema; the others had none.
	Validated    int            `json:"validated"`
	NotValidated []ir.Uncovered `json:"notValidated,omitempty"`
	// Skipped clusters were left out by --cluster.
	Skipped []string `json:"skipped,omitempty"`
}

// Cluster counts one cluster.
type Cluster struct {
	Name       string `json:"name"`
	Components int    `json:"components"`
	Objects    int    `json:"objects"`
}

// Rules is what the guardrails did.
type Rules struct {
	Policies digest.Digest   `json:"policies,omitempty"`
	Results  []ir.RuleResult `json:"results"`
	// Evaluated, Waived and Skipped count rules; a rule that applied to
	// nothing is skipped (D6).
	Evaluated int `json:"evaluated"`
	Waived    int `json:"waived"`
	Skipped   int `json:"skipped"`
}

// Plan summarises what the solver says.
type Plan struct {
	Scenarios int `json:"scenarios"`
	// Verdicts counts cells, a scenario and an objective each.
	Verdicts map[plans.Verdict]int `json:"verdicts"`
	Coverage plans.Coverage        `json:"coverage"`
}

// Artifact is one bundle, sealed or written.
type Artifact struct {
	Name    string        `json:"name"`
	Content digest.Digest `json:"content"`
	// Manifest and Tar are empty until the bundle is sealed.
	Manifest digest.Digest `json:"manifest,omitempty"`
	Tar      digest.Digest `json:"tar,omitempty"`
	// Serial is 0 for a candidate.
	Serial int    `json:"serial"`
	Files  int    `json:"files,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	Path   string `json:"path,omitempty"` // where it was written
}

// Shard is what one of several machines computed of a fleet.
type Shard struct {
	Index int `json:"index"`
	Count int `json:"count"`
	// Reference is "oci://host/path:tag".
	Reference string        `json:"reference"`
	Digest    digest.Digest `json:"digest"`
	Results   int           `json:"results"`
	Sent      int64         `json:"sent"` // bytes that the registry did not have
}

// Summary counts diagnostics. Waived ones are in Waived alone, and what could
// not be judged is in Unknown as well as under its severity.
type Summary struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
	Waived   int `json:"waived"`
	Unknown  int `json:"unknown"`
	// Old ones are in the base too, and counted here alone.
	Old int `json:"old,omitempty"`
}

// New starts a result. The caller fills it and ends with Finish.
func New(tool Tool, command string) *Result {
	return &Result{Version: Version, Tool: tool, Command: command, Diagnostics: diag.List{}}
}

// Finish sorts the diagnostics and counts them. It may be called again.
func (r *Result) Finish() *Result {
	r.Diagnostics = r.Diagnostics.Sorted()
	if r.Diagnostics == nil {
		r.Diagnostics = diag.List{}
	}
	fingerprints(r.Diagnostics)
	s := Summary{}
	for _, d := range r.Diagnostics {
		switch {
		case d.Old:
			s.Old++
			continue
		case d.Waived != nil:
			s.Waived++
			continue
		case d.Severity == diag.Error:
			s.Errors++
		case d.Severity == diag.Warning:
			s.Warnings++
		default:
			s.Notes++
		}
		if d.Unknown {
			s.Unknown++
		}
	}
	r.Summary = s
	return r
}

// RevisionOf describes what was read; now is RFC 3339.
func RevisionOf(r ir.Revision, now string) *Revision {
	return &Revision{Kind: r.Kind, Commit: r.Commit, Tree: r.Tree, Time: r.Time, Now: now}
}

// FleetOf counts rendered clusters; vs may be shorter than rs or nil.
func FleetOf(rs []*ir.Rendered, vs []*ir.Validation, skipped []string) *Fleet {
	f := &Fleet{Clusters: []Cluster{}, Skipped: skipped}
	for _, r := range rs {
		if r == nil {
			continue
		}
		c := Cluster{Name: r.Cluster, Components: len(r.Components)}
		for _, rc := range r.Components {
			c.Objects += len(rc.Objects)
		}
		f.Clusters = append(f.Clusters, c)
		f.Components += c.Components
		f.Objects += c.Objects
	}
	for _, v := range vs {
		if v != nil {
			f.Validated += v.Evaluated
			f.NotValidated = addUncovered(f.NotValidated, v.NotEvaluated)
		}
	}
	return f
}

// RulesOf counts a verdict; nil gives nil.
func RulesOf(v *ir.Verdict) *Rules {
	if v == nil {
		return nil
	}
	r := &Rules{Policies: v.PolicyDigest, Results: v.Rules}
	if r.Results == nil {
		r.Results = []ir.RuleResult{}
	}
	for _, x := range v.Rules {
		switch {
		case x.Skipped != "" || x.Evaluated == 0:
			r.Skipped++
		default:
			r.Evaluated++
		}
		if x.Waived > 0 {
			r.Waived++
		}
	}
	return r
}

// PlanOf summarises a plan; nil gives nil.
func PlanOf(p *plans.Plan) *Plan {
	if p == nil {
		return nil
	}
	out := &Plan{Scenarios: len(p.Scenarios), Coverage: p.Coverage, Verdicts: map[plans.Verdict]int{}}
	for _, s := range p.Scenarios {
		for _, c := range s.Cells {
			out.Verdicts[c.Verdict]++
		}
	}
	return out
}
