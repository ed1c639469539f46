//go:build !unix

package oci

// lock does nothing where flock does not exist: of two processes that write the
// same layout at once one may fail, and leaves what was there.
func (l *Layout) lock() (unlock func()) { return func() {} }
