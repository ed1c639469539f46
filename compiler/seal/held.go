package seal

import (
	"bytes"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/compress/s2"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/internal/tgz"
)

// held is the content of an artifact between the time at which its digest is
// asked for and the time at which it is packed. The files of a cluster stand in
// memory that the next cluster gets: to collect the same megabytes for each of a
// fleet costs as much as to write them. What is more than ample is compressed
// meanwhile: a thousand clusters have 300 MB of runbooks, which are much alike.
type held struct {
	files  []heldFile // byte-sorted by path
	text   []byte     // of the files that are not packed
	packer *s2.Writer // nil until something is
	reader *s2.Reader
}

// heldFile is a file as it is, or packed.
type heldFile struct {
	path         string
	size         int
	data, packed []byte
}

// ample is how many bytes are held as they are.
const ample = 32 << 20

// spare is memory that nothing is held in, for as many as are sealed at once. A
// sync.Pool would be emptied by the very collections that this is to save.
var spare = make(chan *held, runtime.GOMAXPROCS(0))

// hold makes the files of an artifact and holds them, until leave.
func hold(a *ir.Artifact) (*held, error) {
	h := &held{}
	select {
	case h = <-spare:
	default:
	}
	err := a.Walk(h.add)
	h.sort()
	return h, err
}

// holdFiles holds files that are in memory.
func holdFiles(files []ir.File) *held { return new(held).with(files) }

// with is the same with more files, which are in memory.
func (h *held) with(files []ir.File) *held {
	out := &held{files: slices.Clone(h.files)}
	for _, f := range files {
		out.files = append(out.files, heldFile{path: f.Path, size: len(f.Data), data: f.Data})
	}
	out.sort()
	return out
}

func (h *held) sort() {
	slices.SortFunc(h.files, func(a, b heldFile) int { return strings.Compare(a.path, b.path) })
}

func (h *held) add(f ir.File) error {
	x := heldFile{path: f.Path, size: len(f.Data)}
	var err error
	if start := len(h.text); start+len(f.Data) <= ample {
		if start+len(f.Data) > cap(h.text) {
			h.text = slices.Grow(h.text, max(start, len(f.Data))) // twice as much: append would move it more often
		}
		h.text = append(h.text, f.Data...)
		x.data = h.text[start:len(h.text):len(h.text)]
	} else {
		x.packed, err = h.pack(f.Data)
	}
	h.files = append(h.files, x)
	return err
}

func (h *held) pack(b []byte) ([]byte, error) {
	var out bytes.Buffer
	if h.packer == nil {
		h.packer = s2.NewWriter(nil, s2.WriterConcurrency(1))
	}
	h.packer.Reset(&out)
	if _, err := h.packer.Write(b); err != nil {
		return nil, err
	}
	err := h.packer.Close()
	return bytes.Clone(out.Bytes()), err
}

// leave lets the files go, and gives their memory to who holds next.
func (h *held) leave() {
	clear(h.files)
	select {
	case spare <- &held{files: h.files[:0], text: h.text[:0]}:
	default:
	}
	*h = held{}
}

// tar writes the files as an archive.
func (h *held) tar(w io.Writer) error {
	a := tgz.NewArchive(w)
	for i := range h.files {
		to, err := a.Create(h.files[i].path, int64(h.files[i].size))
		if err == nil {
			err = h.write(to, &h.files[i])
		}
		if err != nil {
			return err
		}
	}
	return a.Close()
}

func (h *held) write(to io.Writer, f *heldFile) error {
	if f.packed == nil {
		_, err := to.Write(f.data)
		return err
	}
	if h.reader == nil {
		h.reader = s2.NewReader(nil)
	}
	h.reader.Reset(bytes.NewReader(f.packed))
	_, err := io.Copy(to, h.reader)
	return err
}

func (h *held) has(path string) bool {
	_, ok := slices.BinarySearchFunc(h.files, path, func(f heldFile, path string) int { return strings.Compare(f.path, path) })
	return ok
}

// size is that of all files, in bytes.
func (h *held) size() (n int) {
	for i := range h.files {
		n += h.files[i].size
	}
	return n
}
