//go:build !unix

package programs

import "context"

// lock does nothing where flock does not exist: the worst case is that a
// program is built twice, and the rename at the end is atomic.
func lock(context.Context, string) (unlock func(), err error) { return func() {}, nil }
