package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// SARIF 2.1.0, as far as it is written here:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		ColumnKind  string            `json:"columnKind"`
		Properties  map[string]string `json:"properties,omitempty"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Version        string      `json:"version,omitempty"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string           `json:"id"`
		ShortDescription sarifMessage     `json:"shortDescription"`
		FullDescription  *sarifMessage    `json:"fullDescription,omitempty"`
		Help             *sarifMessage    `json:"help,omitempty"`
		Default          sarifDefault     `json:"defaultConfiguration"`
		Properties       *sarifProperties `json:"properties,omitempty"`
	}
	sarifProperties struct {
		Tags []string `json:"tags"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		ExitCode      int                 `json:"exitCode"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    *int               `json:"ruleIndex,omitempty"`
		Level        string             `json:"level"`
		Message      sarifMessage       `json:"message"`
		Locations    []sarifLocation    `json:"locations,omitempty"`
		Related      []sarifLocation    `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Baseline     string             `json:"baselineState,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Fixes        []sarifFix         `json:"fixes,omitempty"`
	}
	sarifLocation struct {
		ID       *int           `json:"id,omitempty"`
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifMessage  `json:"message,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
	sarifFix struct {
		Description sarifMessage  `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion   `json:"deletedRegion"`
		Inserted *sarifContent `json:"insertedContent,omitempty"`
	}
	sarifContent struct {
		Text string `json:"text"`
	}
)

const informationURI = "https://github.com/darkstart-dev/darkstart"

var sarifLevels = [...]string{diag.Note: "note", diag.Warning: "warning", diag.Error: "error"}

// fleetRoot is where a finding stands that has no place in a file: every fleet
// has it. GitHub refuses a whole log for one result without a physical location.
const fleetRoot = "cue.mod/module.cue"

// sarifWriter makes one log. left counts what the limits left out, by what it is.
type sarifWriter struct {
	*Result
	index map[string]int
	lines map[string][]string
	left  sarifLeft
}

// newSARIFLog makes the log of the first keep findings, which are the most severe.
func newSARIFLog(r *Result, keep int) sarifLog {
	s := sarifWriter{Result: r, index: map[string]int{}, lines: r.lines()}
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "Darkstart", InformationURI: informationURI, Version: r.Tool.Version, Rules: []sarifRule{}}},
		Results:    []sarifResult{},
		ColumnKind: "utf16CodeUnits",
	}
	for i := range r.Catalogue[:min(len(r.Catalogue), maxSARIFRules)] {
		s.index[r.Catalogue[i].ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, s.rule(&r.Catalogue[i]))
	}
	for _, d := range r.Diagnostics[:keep] {
		run.Results = append(run.Results, s.result(d))
	}
	s.left.findings, s.left.rules = len(r.Diagnostics)-keep, len(r.Catalogue)-len(run.Tool.Driver.Rules)
	inv := sarifInvocation{Successful: r.Error == "" && r.ExitCode != 2, ExitCode: r.ExitCode}
	if r.Error != "" {
		inv.Notifications = append(inv.Notifications, sarifNotification{"error", sarifMessage{Text: r.Error}})
	}
	inv.Notifications = append(inv.Notifications, s.left.notifications()...)
	run.Invocations = []sarifInvocation{inv}
	if v := r.Revision; v != nil {
		run.Properties = map[string]string{"now": v.Now}
		if v.Commit != "" {
			run.Properties["commit"] = v.Commit
		}
	}
	return sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	}
}

func (s *sarifWriter) rule(d *RuleDoc) sarifRule {
	out := sarifRule{
		ID: d.ID, ShortDescription: sarifMessage{Text: sentence(d.Title)}, Default: sarifDefault{sarifLevels[d.Severity]},
	}
	full := strings.TrimSpace(d.Description + "\n\n" + d.Rationale)
	if full != "" {
		out.FullDescription = &sarifMessage{Text: full}
	}
	if d.Remediation != "" {
		out.Help = &sarifMessage{Text: d.Remediation, Markdown: "**Why.** " + full + "\n\n**Fix.** " + d.Remediation}
	}
	if len(d.Frameworks) > 0 {
		tags := d.Frameworks[:min(len(d.Frameworks), maxSARIFTags)]
		s.left.tags += len(d.Frameworks) - len(tags)
		out.Properties = &sarifProperties{Tags: tags}
	}
	return out
}

// sentence makes one of a clause.
func sentence(clause string) string {
	first, n := utf8.DecodeRuneInString(clause)
	if n == 0 {
		return "."
	}
	return string(unicode.ToUpper(first)) + clause[n:] + "."
}

func (s *sarifWriter) result(d *diag.Diagnostic) sarifResult {
	out := sarifResult{RuleID: d.Code, Level: sarifLevels[d.Severity], Message: s.message(d), Fingerprints: map[string]string{"darkstart/v1": d.Fingerprint}}
	if i, ok := s.index[d.Code]; ok {
		out.RuleIndex = &i
	}
	out.Locations, out.Related = s.locations(d)
	if s.Base != nil && s.Base.NotCompared == "" {
		out.Baseline = map[bool]string{true: "unchanged", false: "new"}[d.Old]
	}
	if w := d.Waived; w != nil {
		out.Suppressions = []sarifSuppression{{"external", "accepted", strings.TrimSpace(fmt.Sprintf("%s (%s, until %s) %s", w.Reason, w.Owner, w.Expires, w.Ticket))}}
	}
	for i := range d.Fixes {
		out.Fixes = append(out.Fixes, s.fix(&d.Fixes[i]))
	}
	return out
}

// message is what a finding says, as plain text: text of users is not Markdown.
func (s *sarifWriter) message(d *diag.Diagnostic) sarifMessage {
	text := strings.Join(slices.Concat([]string{d.Message}, prefixed("note: ", d.Notes), prefixed("help: ", d.Help)), "\n")
	if len(text) > maxSARIFMessage {
		s.left.messages++
		text = abridge(text, maxSARIFMessage)
	}
	return sarifMessage{Text: text}
}

// locations are the primary place, and the others with what they add.
func (s *sarifWriter) locations(d *diag.Diagnostic) (primary, related []sarifLocation) {
	labels := d.Labels[:min(len(d.Labels), maxSARIFLocations)]
	s.left.places += len(d.Labels) - len(labels)
	if d.Primary().File == "" {
		at := diag.Label{Position: diag.Position{File: fleetRoot}}
		if len(labels) > 0 {
			at.Text, labels = labels[0].Text, labels[1:]
		}
		labels = slices.Concat([]diag.Label{at}, labels)
	}
	for i, l := range labels {
		loc := sarifLocation{Physical: s.physical(l.Position)}
		if l.Text != "" {
			loc.Message = &sarifMessage{Text: l.Text}
		}
		if i == 0 {
			loc.Logical = logical(d.Subject)
			primary = append(primary, loc)
			continue
		}
		loc.ID = &i
		related = append(related, loc)
	}
	return primary, related
}

func prefixed(prefix string, ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = prefix + s
	}
	return out
}

// logical names what a finding is about: an object with its cluster, else the
// narrowest thing that is known, and its node.
func logical(s diag.Subject) []sarifLogical {
	var out []sarifLogical
	switch {
	case s.Object != "":
		out = append(out, sarifLogical{strings.TrimPrefix(s.Cluster+"/"+s.Object, "/"), "object"})
	case s.Component != "":
		out = append(out, sarifLogical{strings.TrimPrefix(s.Cluster+"/"+s.Component, "/"), "module"})
	case s.Cluster != "":
		out = append(out, sarifLogical{s.Cluster, "namespace"})
	}
	if s.Node != "" {
		out = append(out, sarifLogical{s.Node, "element"})
	}
	return out
}

func (s *sarifWriter) physical(p diag.Position) *sarifPhysical {
	if p.File == "" {
		return nil
	}
	out := &sarifPhysical{Artifact: s.artifact(p.File)}
	if ls := s.lines[p.File]; p.Line > 0 {
		out.Region = &sarifRegion{StartLine: p.Line, StartColumn: units(ls, p.Line, p.Column), EndColumn: units(ls, p.Line, p.EndColumn)}
	}
	return out
}

func (s *sarifWriter) artifact(file string) sarifArtifact {
	return sarifArtifact{URI: uri(s.Path(file)), URIBaseID: "%SRCROOT%"}
}

// units turns a column in bytes into one in UTF-16 code units, where the line is
// known; 0 stays 0.
func units(ls []string, line, column int) int {
	if column < 1 || line > len(ls) || ls[line-1] == missing {
		return column
	}
	n := 1
	for _, c := range ls[line-1][:min(column-1, len(ls[line-1]))] {
		n++
		if c > 0xffff {
			n++
		}
	}
	return n
}

// uri escapes what a relative reference may not hold.
func uri(file string) string {
	var b strings.Builder
	for _, c := range []byte(file) {
		if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~/", rune(c))) {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func (s *sarifWriter) fix(f *diag.Fix) sarifFix {
	out := sarifFix{Description: sarifMessage{Text: f.Title}}
	for _, e := range f.Edits {
		i := slices.IndexFunc(out.Changes, func(c sarifChange) bool { return c.Artifact == s.artifact(e.File) })
		if i < 0 {
			i = len(out.Changes)
			out.Changes = append(out.Changes, sarifChange{Artifact: s.artifact(e.File)})
		}
		ls := s.lines[e.File]
		x := sarifReplacement{Deleted: sarifRegion{e.Line, units(ls, e.Line, e.Column), e.EndLine, units(ls, e.EndLine, e.EndColumn)}}
		if e.New != "" {
			x.Inserted = &sarifContent{e.New}
		}
		out.Changes[i].Replacements = append(out.Changes[i].Replacements, x)
	}
	return out
}
