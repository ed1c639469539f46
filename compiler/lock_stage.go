package compiler

import (
	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// readLock parses the lock when there is one; without one nothing is locked,
// which SC001 reports.
func (r *run) readLock() error {
	if _, ok := r.Tree.Lookup(lock.Name); !ok {
		return nil
	}
	b, err := r.Tree.ReadFile(lock.Name)
	if d, ok := diag.From(err); ok {
		r.res.Diagnostics.Add(d)
		return nil
	}
	if err != nil {
		return err
	}
	f, ds := lock.Parse(lock.Name, b)
	if f != nil {
		r.res.Lock = f.Lock
	}
	r.res.Diagnostics.Add(ds...)
	return nil
}
