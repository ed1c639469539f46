// Command unpack writes the interoperability vectors as OCI image layouts, for
// implementers whose reader is no Go test: `make vectors` runs it. Equal vectors
// give equal files.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/internal/testkit/vectors"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: unpack VECTORS DIR")
		os.Exit(2)
	}
	if err := unpack(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "unpack:", err)
		os.Exit(1)
	}
}

// entry is a line of index.json.
type entry struct {
	Name     string `json:"name"`
	Why      string `json:"why"`
	Manifest string `json:"manifest"`
	Open     string `json:"open"`
	Load     string `json:"load"`
	Expect   string `json:"expect"`
	Demand   string `json:"demand"`
	Cosign   string `json:"cosign"`
	// State is the file of what the last verification remembered, "" for none.
	State string `json:"state,omitempty"`
}

// unpack writes DIR/NAME, a layout with the artifact under its name, DIR/NAME.tar,
// DIR/keys and DIR/vectors.json. DIR must not exist.
func unpack(ctx context.Context, from, dir string) error {
	vs, err := vectors.Read(os.DirFS(from))
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already", dir)
	}
	if err := os.CopyFS(filepath.Join(dir, "keys"), os.DirFS(filepath.Join(from, "keys"))); err != nil {
		return err
	}
	list := struct {
		Artifact  string  `json:"artifact"`
		Now       string  `json:"now"`
		MinSerial int     `json:"minSerial"`
		Vectors   []entry `json:"vectors"`
	}{vectors.Artifact, vectors.Now, vectors.MinSerial, nil}
	for _, v := range vs {
		e := entry{Name: v.Name, Why: v.Why, Manifest: string(v.Digest()), Open: v.Open, Load: v.Load, Expect: v.Expect, Demand: v.Demand, Cosign: v.Cosign}
		if e.State, err = write(ctx, v, dir); err != nil {
			return fmt.Errorf("%s: %w", v.Name, err)
		}
		list.Vectors = append(list.Vectors, e)
	}
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "vectors.json"), append(b, '\n'), 0o644)
}

func write(ctx context.Context, v *vectors.Vector, dir string) (state string, err error) {
	layout := filepath.Join(dir, v.Name)
	if _, err := v.Layout(ctx, layout); err != nil {
		return "", err
	}
	f, err := os.Create(layout + ".tar")
	if err != nil {
		return "", err
	}
	if err := errors.Join(vectors.Tar(layout, f), f.Close()); err != nil || v.State == nil {
		return "", err
	}
	return v.Name + ".state.json", os.WriteFile(layout+".state.json", v.State, 0o644)
}
