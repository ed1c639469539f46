package git

import (
	"io/fs"
	"time"

	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// unchanged applies git's stat check: a tracked file with the size and times
// that the index recorded has the content that the index names. A file as new
// as the index itself may have been written again within the same tick of the
// clock ("racily clean", git's racy-git.txt), so it is read.
func (w *worktree) unchanged(e *index.Entry, fi fs.FileInfo) bool {
	c := w.repo.cfg
	switch {
	case e.Stage != 0, e.IntentToAdd:
		return false
	case e.Mode != 0o100644 && e.Mode != 0o100755:
		return false
	case e.Size != uint32(fi.Size()):
		return false
	case fi.Size() == 0 && tree.ID(e.Hash.String()) != tree.BlobID(nil):
		return false // git writes size 0 to force a comparison
	}
	minimal := c.checkStat == "minimal"
	if !sameTime(e.ModifiedAt, fi.ModTime(), minimal) {
		return false
	}
	if t, ok := changeTime(fi); ok && c.trustCtime && !minimal && !sameTime(e.CreatedAt, t, false) {
		return false
	}
	return older(e.ModifiedAt, w.index.written)
}

// sameTime compares what the index can hold: 32 bits of seconds, and
// nanoseconds unless the program that wrote it leaves them out.
func sameTime(recorded, now time.Time, seconds bool) bool {
	if uint32(recorded.Unix()) != uint32(now.Unix()) {
		return false
	}
	return seconds || recorded.Nanosecond() == 0 || recorded.Nanosecond() == now.Nanosecond()
}

func older(file, index time.Time) bool {
	if file.Nanosecond() == 0 || index.Nanosecond() == 0 {
		return file.Unix() < index.Unix()
	}
	return file.Before(index)
}
