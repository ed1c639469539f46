package shard

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/cache"
)

// Types of a shard's artifact and of its layers, which are tar archives of
// cache entries.
const (
	ArtifactType   = "application/vnd.darkstart.shard.v1"
	MediaTypeLayer = "application/vnd.darkstart.shard.entries.v1.tar+gzip"
)

// Folders in a layer: what an entry is. Its name is its key.
const (
	folderResults = "results/"
	folderInputs  = "inputs/"
)

// A layer is cut after the entry with which it reaches one of these sizes, in
// bytes: what breaks on the way is then small, and so is what a reader holds.
const (
	cutPacked = 16 << 20
	cutPlain  = 256 << 20
)

// Who reads a layer takes no more than this, whatever it says of itself.
const (
	maxEntry  = 256 << 20
	maxPlain  = cutPlain + maxEntry + 64<<20
	maxPacked = maxPlain
)

// pack writes entries into layers, one after the other, so that no more than one
// is in memory.
func pack(entries iter.Seq2[cache.Entry, error], send func(layer []byte) error) (count int, err error) {
	var p *packer
	for e, err := range entries {
		switch {
		case err != nil:
			return count, err
		case len(e.Content) > maxEntry:
			continue // who assembles computes it
		}
		if p == nil {
			p = newPacker()
		}
		if err := p.add(e); err != nil {
			return count, err
		}
		if count++; p.packed.Len() >= cutPacked || p.plain >= cutPlain {
			if err := p.close(send); err != nil {
				return count, err
			}
			p = nil
		}
	}
	if p != nil {
		err = p.close(send)
	}
	return count, err
}

// packer writes one layer.
type packer struct {
	packed bytes.Buffer
	zip    *gzip.Writer
	tar    *tar.Writer
	plain  int
}

func newPacker() *packer {
	p := &packer{}
	p.zip, _ = gzip.NewWriterLevel(&p.packed, gzip.BestSpeed) // a level of its own
	p.tar = tar.NewWriter(p.zip)
	return p
}

func (p *packer) add(e cache.Entry) error {
	folder := folderResults
	if e.Inputs {
		folder = folderInputs
	}
	p.plain += len(e.Content)
	h := &tar.Header{Typeflag: tar.TypeReg, Name: folder + e.Key.String(), Size: int64(len(e.Content)), Mode: 0o644, Format: tar.FormatUSTAR}
	if err := p.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err := p.tar.Write(e.Content)
	return err
}

func (p *packer) close(send func([]byte) error) error {
	if err := errors.Join(p.tar.Close(), p.zip.Close()); err != nil {
		return err
	}
	return send(p.packed.Bytes())
}

// unpack gives every entry of a layer to take. It trusts nothing of it.
func unpack(layer []byte, take func(cache.Entry) error) error {
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		return err
	}
	plain := &io.LimitedReader{R: z, N: maxPlain}
	t := tar.NewReader(plain)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) && plain.N > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		e, err := entryOf(h)
		if err != nil {
			return err
		}
		if e.Content, err = io.ReadAll(t); err != nil {
			return err
		}
		if err := take(e); err != nil {
			return err
		}
	}
}

func entryOf(h *tar.Header) (cache.Entry, error) {
	var e cache.Entry
	name, results := strings.CutPrefix(h.Name, folderResults)
	if !results {
		if name, e.Inputs = strings.CutPrefix(h.Name, folderInputs); !e.Inputs {
			return e, fmt.Errorf("%q is no entry", h.Name)
		}
	}
	if h.Typeflag != tar.TypeReg || h.Size > maxEntry {
		return e, fmt.Errorf("%q is no file of an admissible size", h.Name)
	}
	var err error
	e.Key, err = cache.ParseKey(name)
	return e, err
}
