package oci

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxEntries bounds the table of contents of an archive.
const maxEntries = 1 << 20

// span is where in an archive the bytes of a file lie.
type span struct{ offset, size int64 }

// OpenTar opens a tar archive of a layout, as `tar -cf` and `crane` write it.
// Nothing is unpacked: blobs are read where they lie. The archive is a
// stranger's, so what two readers could understand in two ways is refused:
// a name that stands twice or leads out of it, a link, a sparse file.
func OpenTar(name string) (*Layout, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	l := &Layout{dir: name, tar: map[string]span{}}
	if err := l.index(f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l.open()
}

// index reads the headers. tar.Reader reads ahead of none, so the position
// behind a header is where the file begins.
func (l *Layout) index(f *os.File) error {
	var magic [2]byte
	if n, _ := f.ReadAt(magic[:], 0); n == 2 && magic == [2]byte{0x1f, 0x8b} {
		return errors.New("the archive is compressed; unpack it with gunzip first")
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("not a tar archive of an OCI image layout: %w", err)
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if err := l.enter(h, at, size); err != nil {
			return err
		}
	}
}

// enter takes one header into the table of contents.
func (l *Layout) enter(h *tar.Header, at, end int64) error {
	name := strings.TrimPrefix(h.Name, "./")
	if h.Typeflag == tar.TypeDir {
		name = strings.TrimSuffix(name, "/")
		if name == "" || name == "." {
			return nil
		}
	}
	if path.Clean(name) != name || path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") || strings.Contains(name, `\`) {
		return fmt.Errorf("the archive holds the name %.200q", h.Name)
	}
	if h.Typeflag == tar.TypeDir {
		return nil
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return fmt.Errorf("%.200q in the archive is a sparse file", name)
		}
	}
	_, twice := l.tar[name]
	switch {
	case h.Typeflag != tar.TypeReg:
		return fmt.Errorf("%.200q in the archive is neither a file nor a folder", name)
	case twice:
		return fmt.Errorf("%.200q stands twice in the archive", name)
	case len(l.tar) == maxEntries:
		return fmt.Errorf("the archive holds more than %d files", maxEntries)
	case h.Size > end-at:
		return fmt.Errorf("%.200q in the archive is cut off", name)
	}
	l.tar[name] = span{at, h.Size}
	return nil
}

// readTar returns a file of the archive, of at most max bytes.
func (l *Layout) readTar(name string, max int64) ([]byte, error) {
	s, ok := l.tar[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s in %s: %w", name, l.dir, fs.ErrNotExist)
	case s.size > max:
		return nil, fmt.Errorf("%s in %s has more than %d bytes: %w", name, l.dir, max, errTooLong)
	}
	f, err := os.Open(l.dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, s.offset, s.size))
}
