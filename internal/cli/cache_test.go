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

// cmdDamage flips a bit in every result of a cache.
func cmdDamage(ts *testscript.TestScript, neg bool, args []string) {
	change(ts, "damage", neg, args, func(entry []byte) []byte {
		entry[len(entry)-1] ^= 1
		return entry
	})
}

// cmdPoison gives every result of a cache that holds objects another content,
// and the digest of that.
func cmdPoison(ts *testscript.TestScript, neg bool, args []string) {
	head := len("darkstart cache entry v1\n")
	change(ts, "poison", neg, args, func(entry []byte) []byte {
		if !bytes.Contains(entry, []byte("labels")) {
			return nil
		}
		content := bytes.ReplaceAll(entry[head+sha256.Size:], []byte("labels"), []byte("labelz"))
		sum := sha256.Sum256(content)
		return slices.Concat(entry[:head], sum[:], content)
	})
}

func change(ts *testscript.TestScript, name string, neg bool, args []string, edit func([]byte) []byte) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: %s DIR", name)
	}
	changed := 0
	ts.Check(filepath.WalkDir(args[0], func(path string, d fs.DirEntry, err error) error {
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
