package oci

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// Archive writes the layout as one tar file, as other tools write it: the
// layout's files at the top. Equal layouts give equal archives.
func (l *Layout) Archive(ctx context.Context, w io.Writer) error {
	keep, err := l.reachable(ctx)
	if err != nil {
		return err
	}
	names := []string{layoutFile, indexFile}
	for hex := range keep {
		names = append(names, path.Join("blobs", "sha256", hex))
	}
	slices.Sort(names)
	t := tar.NewWriter(w)
	for _, n := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(n)))
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: n, Mode: 0o644, Size: int64(len(b)), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		if _, err := t.Write(b); err != nil {
			return err
		}
	}
	return t.Close()
}
