package lock

import (
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Locked holds a fleet's images to its lock, nil where there is none: each name
// has an entry, and a digest that an object pins is the entry's. It asks no
// registry. Each image that is not locked is one error.
func Locked(uses []Use, l *ir.Lock) diag.List {
	images, ds := group(uses)
	for _, w := range images {
		var have ir.LockEntry
		if l != nil {
			have = l.Images[w.name]
		}
		switch {
		case have.Digest == "":
			d := places(diag.Errorf("LCK009", "%s is not in the lock", w.name), w.at, "used here")
			if l == nil {
				d.Note("there is no %s", Name)
			}
			ds.Add(d.Fix("run darkstart lock"))
		case w.digest != "" && w.digest != have.Digest:
			ds.Add(differs(w, have).Fix("run darkstart lock --update %s, or write the digest that is locked", w.name))
		}
	}
	return ds.Sorted()
}
