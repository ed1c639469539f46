package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Limits of what reads SARIF. GitHub takes 25,000 results and rules a run and
// 1,000 locations a result; files of more than 25 MB are refused, there and by
// other viewers ("SARIF support for code scanning", GitHub's documentation).
const (
	maxSARIFResults   = 25_000
	maxSARIFLocations = 1_000
	maxSARIFBytes     = 25 << 20
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

// SARIF writes the result as a SARIF 2.1.0 log of one run. What the limits of
// its readers leave no room for is dropped from the least severe on, and
// a notification says how many: never silently.
func SARIF(w io.Writer, r *Result) error {
	keep := len(r.Diagnostics)
	for {
		b, err := sarifBytes(r, min(keep, maxSARIFResults))
		if err != nil {
			return err
		}
		if len(b) <= maxSARIFBytes || keep == 0 {
			_, err = w.Write(b)
			return err
		}
		// Each round drops what is too much, and a little more.
		keep = min(keep-1, int(float64(min(keep, maxSARIFResults))*0.95*float64(maxSARIFBytes)/float64(len(b))))
	}
}

func sarifBytes(r *Result, keep int) ([]byte, error) {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "Darkstart", InformationURI: informationURI, Version: r.Tool.Version, Rules: []sarifRule{}}},
		Results:    []sarifResult{},
		ColumnKind: "utf16CodeUnits",
	}
	index := map[string]int{}
	for i := range r.Catalogue {
		index[r.Catalogue[i].ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, newSARIFRule(&r.Catalogue[i]))
	}
	lines := r.lines()
	for _, d := range r.Diagnostics[:keep] {
		run.Results = append(run.Results, r.sarifResult(d, index, lines))
	}
	inv := sarifInvocation{Successful: r.Error == "" && r.ExitCode != 2, ExitCode: r.ExitCode}
	if r.Error != "" {
		inv.Notifications = append(inv.Notifications, sarifNotification{"error", sarifMessage{Text: r.Error}})
	}
	if n := len(r.Diagnostics) - keep; n > 0 {
		inv.Notifications = append(inv.Notifications, sarifNotification{"warning", sarifMessage{
			Text: fmt.Sprintf("%s left out, the least severe: readers of SARIF take %d results and %d MB. darkstart check -o json has all.", count(n, "finding"), maxSARIFResults, maxSARIFBytes>>20),
		}})
	}
	run.Invocations = []sarifInvocation{inv}
	if v := r.Revision; v != nil {
		run.Properties = map[string]string{"now": v.Now}
		if v.Commit != "" {
			run.Properties["commit"] = v.Commit
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
	return b.Bytes(), err
}

func newSARIFRule(d *RuleDoc) sarifRule {
	s := sarifRule{
		ID: d.ID, ShortDescription: sarifMessage{Text: sentence(d.Title)}, Default: sarifDefault{sarifLevels[d.Severity]},
	}
	full := strings.TrimSpace(d.Description + "\n\n" + d.Rationale)
	if full != "" {
		s.FullDescription = &sarifMessage{Text: full}
	}
	if d.Remediation != "" {
		s.Help = &sarifMessage{Text: d.Remediation, Markdown: "**Why.** " + full + "\n\n**Fix.** " + d.Remediation}
	}
	if len(d.Frameworks) > 0 {
		s.Properties = &sarifProperties{Tags: d.Frameworks[:min(len(d.Frameworks), 20)]}
	}
	return s
}

func sentence(s string) string {
	if s == "" {
		return "."
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func (r *Result) sarifResult(d *diag.Diagnostic, index map[string]int, lines map[string][]string) sarifResult {
	s := sarifResult{
		RuleID: d.Code, Level: sarifLevels[d.Severity],
		Message:      sarifMessage{Text: strings.Join(slices.Concat([]string{d.Message}, prefixed("note: ", d.Notes), prefixed("help: ", d.Help)), "\n")},
		Fingerprints: map[string]string{"darkstart/v1": d.Fingerprint},
	}
	if i, ok := index[d.Code]; ok {
		s.RuleIndex = &i
	}
	for i, l := range d.Labels[:min(len(d.Labels), maxSARIFLocations)] {
		loc := sarifLocation{Physical: r.sarifPhysical(l.Position, lines)}
		if l.Text != "" {
			loc.Message = &sarifMessage{Text: l.Text}
		}
		if i == 0 {
			loc.Logical = logical(d.Subject)
			s.Locations = append(s.Locations, loc)
			continue
		}
		loc.ID = &i
		s.Related = append(s.Related, loc)
	}
	if r.Base != nil && r.Base.NotCompared == "" {
		s.Baseline = map[bool]string{true: "unchanged", false: "new"}[d.Old]
	}
	if w := d.Waived; w != nil {
		s.Suppressions = []sarifSuppression{{"external", "accepted", strings.TrimSpace(fmt.Sprintf("%s (%s, until %s) %s", w.Reason, w.Owner, w.Expires, w.Ticket))}}
	}
	for i := range d.Fixes {
		s.Fixes = append(s.Fixes, r.sarifFix(&d.Fixes[i], lines))
	}
	return s
}

func prefixed(prefix string, ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = prefix + s
	}
	return out
}

func logical(s diag.Subject) []sarifLogical {
	var out []sarifLogical
	if s.Object != "" {
		out = append(out, sarifLogical{strings.TrimPrefix(s.Cluster+"/"+s.Object, "/"), "object"})
	}
	if s.Node != "" {
		out = append(out, sarifLogical{s.Node, "element"})
	}
	return out
}

func (r *Result) sarifPhysical(p diag.Position, lines map[string][]string) *sarifPhysical {
	if p.File == "" {
		return nil
	}
	out := &sarifPhysical{Artifact: r.sarifArtifact(p.File)}
	if p.Line > 0 {
		out.Region = &sarifRegion{StartLine: p.Line, StartColumn: units(lines[p.File], p.Line, p.Column), EndColumn: units(lines[p.File], p.Line, p.EndColumn)}
	}
	return out
}

func (r *Result) sarifArtifact(file string) sarifArtifact {
	return sarifArtifact{URI: uri(r.Path(file)), URIBaseID: "%SRCROOT%"}
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

func (r *Result) sarifFix(f *diag.Fix, lines map[string][]string) sarifFix {
	out := sarifFix{Description: sarifMessage{Text: f.Title}}
	for _, e := range f.Edits {
		i := slices.IndexFunc(out.Changes, func(c sarifChange) bool { return c.Artifact == r.sarifArtifact(e.File) })
		if i < 0 {
			i = len(out.Changes)
			out.Changes = append(out.Changes, sarifChange{Artifact: r.sarifArtifact(e.File)})
		}
		ls := lines[e.File]
		x := sarifReplacement{Deleted: sarifRegion{e.Line, units(ls, e.Line, e.Column), e.EndLine, units(ls, e.EndLine, e.EndColumn)}}
		if e.New != "" {
			x.Inserted = &sarifContent{e.New}
		}
		out.Changes[i].Replacements = append(out.Changes[i].Replacements, x)
	}
	return out
}
