//go:build unix

package oci

import (
	"os"
	"syscall"
)

// lock keeps other processes from writing the same layout until unlock: what
// one of them has not finished is litter to the other. The lock is on the folder
// itself, so that nothing but the layout is in it, and dies with its process. A
// file system that has no locks has none here either.
func (l *Layout) lock() (unlock func()) {
	f, err := os.Open(l.dir)
	if err != nil {
		return func() {} // whoever writes there says so
	}
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	return func() { f.Close() }
}
