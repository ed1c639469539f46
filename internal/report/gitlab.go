package report

import (
	"encoding/json"
	"io"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// gitlabIssue is one finding of GitLab's Code Quality report, which follows the
// Code Climate format.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
}

var gitlabSeverities = [...]string{diag.Note: "info", diag.Warning: "minor", diag.Error: "critical"}

// GitLab writes a Code Quality report. Waived findings are left out; old ones
// are not, since GitLab compares the reports of both branches itself.
func GitLab(w io.Writer, r *Result) error {
	out := []gitlabIssue{}
	for _, d := range r.Diagnostics {
		if d.Waived != nil {
			continue
		}
		at := d.Primary()
		if at.File == "" {
			at.File = "." // GitLab drops an issue without a path
		}
		out = append(out, gitlabIssue{
			Description: d.Message, CheckName: d.Code, Fingerprint: d.Fingerprint, Severity: gitlabSeverities[d.Severity],
			Location: gitlabLocation{r.Path(at.File), gitlabLines{max(at.Line, 1)}},
		})
	}
	if r.Error != "" {
		out = append(out, gitlabIssue{r.Error, "darkstart", "darkstart-error", "blocker", gitlabLocation{".", gitlabLines{1}}})
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
