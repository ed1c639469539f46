package cli_test

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdDamage flips a bit in every file of a folder, or in the layers of a cache.
func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	layers := len(args) == 2 && args[1] == "layers"
	if layers {
		args = args[:1]
	}
	gzip := []byte{0x1f, 0x8b, 0x08}
	change(ts, "damage", neg, args, func(entry []byte) []byte {
		if layers && !bytes.Contains(entry[:min(len(entry), entryHead+16)], gzip) {
			return nil
		}
		entry[len(entry)-1] ^= 1
		return entry
	})
}

// entryHead is how many bytes stand before the content of an entry.
const entryHead = len("darkstart cache entry v1\n") + sha256.Size

// cmdPoison gives every result of a cache that holds a text another one in its
// place, and the digest of that: where none is named, what holds objects.
func cmdPoison(ts *testscript.TestScript, neg bool, args []string) {
	from, to := []byte("labels"), []byte("labelz")
	if len(args) == 3 {
		from, to, args = []byte(args[1]), []byte(args[2]), args[:1]
	}
	change(ts, "poison", neg, args, func(entry []byte) []byte {
		if !bytes.Contains(entry, from) {
			return nil
		}
		content := bytes.ReplaceAll(entry[entryHead:], from, to)
		sum := sha256.Sum256(content)
		return slices.Concat(entry[:entryHead-sha256.Size], sum[:], content)
	})
}

func change(ts *testscript.TestScript, name string, neg bool, args []string, edit func([]byte) []byte) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: %s DIR", name)
	}
	changed := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) == 0 {
			return err
		}
		if b = edit(b); b == nil {
			return nil
		}
		changed++
		return os.WriteFile(path, b, 0o600)
	}))
	if changed == 0 {
		ts.Fatalf("%s holds nothing to %s", args[0], name)
	}
}
