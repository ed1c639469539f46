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
	files  []heldFile // byte-sorted by path, once all are there
	blocks [][]byte   // of blockSize each, of the files that stand as they are
	text   int        // how much of the blocks is used

	packed  bytes.Buffer // of the file that is written
	packing bool
	packer  *s2.Writer // nil until something is packed
	reader  *s2.Reader
	copied  []byte // between the two

	layer bytes.Buffer // where all of it is packed
}

// heldFile is a file as it is or packed, or a place in the blocks.
type heldFile struct {
	path         string
	size         int
	at           int
	data, packed []byte
}

const (
	// ample is how many bytes are held as they are.
	ample     = 32 << 20
	blockSize = 1 << 20
)

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
	err := a.Write(h.create)
	if end := h.end(); err == nil {
		err = end
	}
	h.sort()
	return h, err
}

// holdFiles holds files that are in memory.
func holdFiles(files []ir.File) *held { return new(held).with(files) }

// with is the same with more files, which are in memory.
func (h *held) with(files []ir.File) *held {
	out := &held{files: slices.Clone(h.files), blocks: h.blocks}
	for _, f := range files {
		out.files = append(out.files, heldFile{path: f.Path, size: len(f.Data), data: f.Data})
	}
	out.sort()
	return out
}

func (h *held) sort() {
	slices.SortFunc(h.files, func(a, b heldFile) int { return strings.Compare(a.path, b.path) })
}

// create begins a file, to which Write adds.
func (h *held) create(path string) io.Writer {
	if err := h.end(); err != nil {
		return broken{err}
	}
	h.files = append(h.files, heldFile{path: path, at: h.text})
	return h
}

// broken is a file after one that failed.
type broken struct{ error }

func (b broken) Write([]byte) (int, error) { return 0, b.error }

// Write adds to the file that was created last.
func (h *held) Write(b []byte) (int, error) {
	f := &h.files[len(h.files)-1]
	if !h.packing && h.text+len(b) > ample {
		h.packing = true
		if h.packer == nil {
			h.packer = s2.NewWriter(nil, s2.WriterConcurrency(1))
		}
		h.packer.Reset(&h.packed)
		if err := h.write(h.packer, f); err != nil {
			return 0, err
		}
		h.text = f.at
	}
	f.size += len(b)
	if h.packing {
		return h.packer.Write(b)
	}
	for rest := b; len(rest) > 0; {
		block, from := h.text/blockSize, h.text%blockSize
		if block == len(h.blocks) {
			h.blocks = append(h.blocks, make([]byte, blockSize))
		}
		n := copy(h.blocks[block][from:], rest)
		h.text, rest = h.text+n, rest[n:]
	}
	return len(b), nil
}

// end ends the file that was created last.
func (h *held) end() error {
	if !h.packing {
		return nil
	}
	h.packing = false
	err := h.packer.Close()
	h.files[len(h.files)-1].packed = bytes.Clone(h.packed.Bytes())
	h.packed.Reset()
	return err
}

// leave lets the files go, and gives their memory to who holds next.
func (h *held) leave() {
	clear(h.files)
	select {
	case spare <- &held{files: h.files[:0], blocks: h.blocks, layer: h.layer}:
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
	switch {
	case f.data != nil:
		_, err := to.Write(f.data)
		return err
	case f.packed != nil:
		if h.reader == nil {
			h.reader = s2.NewReader(nil)
		}
		h.reader.Reset(bytes.NewReader(f.packed))
		if h.copied == nil {
			h.copied = make([]byte, 64<<10)
		}
		_, err := io.CopyBuffer(to, struct{ io.Reader }{h.reader}, h.copied)
		return err
	}
	for at, end := f.at, f.at+f.size; at < end; {
		from := at % blockSize
		n := min(blockSize-from, end-at)
		if _, err := to.Write(h.blocks[at/blockSize][from : from+n]); err != nil {
			return err
		}
		at += n
	}
	return nil
}

func (h *held) has(path string) bool {
	_, ok := slices.BinarySearchFunc(h.files, path, func(f heldFile, path string) int { return strings.Compare(f.path, path) })
	return ok
}
