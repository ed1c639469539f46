package diag

import "errors"

// Problem carries a diagnostic through an interface that only knows error,
// such as fs.FS: a file that is refused when somebody reads it is the user's
// problem, not the environment's (D5). Whoever turns errors into output asks
// From first.
type Problem struct{ *Diagnostic }

// Error returns the code and the message.
func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// Err returns d as an error; nil stays nil.
func (d *Diagnostic) Err() error {
	if d == nil {
		return nil
	}
	return &Problem{d}
}

// From returns the diagnostic that err carries anywhere in its chain.
func From(err error) (*Diagnostic, bool) {
	var p *Problem
	if errors.As(err, &p) {
		return p.Diagnostic, true
	}
	return nil, false
}
