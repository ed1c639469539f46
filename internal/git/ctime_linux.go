package git

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime returns the time at which a file's metadata last changed, which
// no program can set back.
func changeTime(fi fs.FileInfo) (time.Time, bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(int64(st.Ctim.Sec), int64(st.Ctim.Nsec)), true //nolint:unconvert // 32-bit platforms
}
