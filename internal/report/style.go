package report

import "github.com/darkstart-dev/darkstart/internal/diag"

// style is a way to print; the zero value is plain.
type style int

const (
	plain style = iota
	bold
	gutter
	secondary
	red
	yellow
	cyan
	green
)

var escapes = [...]string{bold: "1", gutter: "1;34", secondary: "1;34", red: "1;31", yellow: "1;33", cyan: "1;36", green: "1;32"}

var severityStyle = [...]style{diag.Note: cyan, diag.Warning: yellow, diag.Error: red}

// paint wraps s in a colour when colours were asked for.
func (p *printer) paint(s style, text string) string {
	if !p.Color || s == plain || text == "" {
		return text
	}
	return "\x1b[" + escapes[s] + "m" + text + "\x1b[0m"
}
