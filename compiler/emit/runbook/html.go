package runbook

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
)

var (
	//go:embed page.gohtml
	pageSource string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// page is the parsed template. The template is part of the program, so a fault
// in it is one of the program and ends it at its start, not in a disaster.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"place": func(d *Diagram) *Placed { return d.Place() },
	"code":  func(s Span) bool { return s.Style == Code },
	"bold":  func(s Span) bool { return s.Style == Strong },
	"link":  func(s Span) bool { return s.Style == Link },
}).Parse(pageSource))

// policy forbids every request and every script but the page's own.
func policy() string {
	return "default-src 'none'; style-src '" + source(pageStyle) + "'; script-src '" + source(pageScript) +
		"'; base-uri 'none'; form-action 'none'"
}

// source names an inline style or script by its hash, as a policy does.
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// HTML writes the page as one self-contained file. html/template escapes every
// fact by its place; style and script are constants of this package.
func HTML(r *Runbook) ([]byte, error) { return AppendHTML(nil, r) }

// AppendHTML appends to b what HTML writes.
func AppendHTML(b []byte, r *Runbook) ([]byte, error) {
	out := bytes.NewBuffer(b)
	err := page.Execute(out, map[string]any{
		"Runbook": r, "Heading": r.heading(), "Policy": policy(),
		"Style": template.CSS(pageStyle), "Script": template.JS(pageScript), //nolint:gosec // constants
	})
	return out.Bytes(), err
}
