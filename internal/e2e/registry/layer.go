package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// Rewrite returns a layer (tar+gzip) in which one file is another.
func Rewrite(layer []byte, name string, edit func([]byte) []byte) ([]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	to := tar.NewWriter(zipped)
	found := false
	for from := tar.NewReader(unzipped); ; {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(from)
		if err != nil {
			return nil, err
		}
		if header.Name == name {
			b, found = edit(b), true
			header.Size = int64(len(b))
		}
		if err := to.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := to.Write(b); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, fmt.Errorf("the layer has no %s", name)
	}
	err = errors.Join(to.Close(), zipped.Close()) // before the bytes are there
	return out.Bytes(), err
}
