package tree

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// FS returns the tree as a read-only file system (io/fs): modification times
// are zero, permissions are 0444 and 0555.
func (t *Tree) FS() fs.FS { return treeFS{t} }

type treeFS struct{ t *Tree }

func (f treeFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if e, ok := f.t.Lookup(name); ok {
		b, err := f.t.open(e)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return &file{Reader: bytes.NewReader(b), info: info{name: path.Base(name), size: int64(len(b)), mode: perm(e.Mode)}}, nil
	}
	if name == "." || f.t.HasDir(name) {
		f.t.note(AskList, name)
		return &dir{info: info{name: path.Base(name), mode: fs.ModeDir | 0o555}, list: f.list(name)}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (f treeFS) ReadFile(name string) ([]byte, error) { return f.t.ReadFile(name) }

func (f treeFS) list(name string) []fs.DirEntry {
	var out []fs.DirEntry
	for _, d := range f.t.dirs(name) {
		out = append(out, fs.FileInfoToDirEntry(info{name: d, mode: fs.ModeDir | 0o555}))
	}
	for _, e := range f.t.direct(name) {
		out = append(out, fs.FileInfoToDirEntry(info{name: path.Base(e.Path), size: max(e.Size, 0), mode: perm(e.Mode)}))
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out
}

func perm(m Mode) fs.FileMode {
	if m == Executable {
		return 0o555
	}
	return 0o444
}

type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

type file struct {
	*bytes.Reader
	info info
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

type dir struct {
	info info
	list []fs.DirEntry
	next int
}

func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dir) Close() error               { return nil }
func (d *dir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: fs.ErrInvalid}
}

func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := d.list[d.next:]
	if n <= 0 {
		d.next = len(d.list)
		return slices.Clone(rest), nil
	}
	if len(rest) == 0 {
		return nil, io.EOF
	}
	rest = rest[:min(n, len(rest))]
	d.next += len(rest)
	return slices.Clone(rest), nil
}
