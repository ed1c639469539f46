package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/schemas"
)

// trustShown says, in a report, what a verification was judged by.
type trustShown struct {
	// Policy is the file of the trust policy; absent when flags say whom to
	// trust.
	Policy string `json:"policy,omitempty"`
	// Digest of the policy's text.
	Digest digest.Digest `json:"digest,omitempty"`
	// Unused is the trust policy of the fleet, which flags stood in for.
	Unused string `json:"unused,omitempty"`
}

// readPolicy reads a trust policy from a file. The keys that it names lie beside
// it.
func readPolicy(ctx context.Context, file string) (*seal.Policy, diag.List, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("trust policy: %w", err)
	}
	dir := filepath.Dir(file)
	return compiler.Trust(ctx, shown(file), text, func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	}, schemas.FS)
}

// fleetPolicy is the trust policy of the fleet that dir is in, "" for none. What
// lies beside a bundle is never asked: whoever made the one made the other.
func fleetPolicy(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, filepath.FromSlash(marker))); err == nil {
			file := filepath.Join(at, compiler.TrustFile)
			_, err := os.Lstat(file)
			if errors.Is(err, fs.ErrNotExist) {
				return "", nil
			}
			return file, err
		}
		up := filepath.Dir(at)
		if up == at {
			return "", nil
		}
		at = up
	}
}

// headPolicy reads the trust policy as HEAD has it, nil for none: what the
// delivery branch says decides, whichever revision is released.
func (s *session) headPolicy(ctx context.Context) (*seal.Policy, diag.List, error) {
	t, _, ds, err := s.repo.Tree(ctx, s.head())
	if err != nil || t == nil || ds.HasErrors() {
		return nil, ds, err
	}
	if _, ok := t.Lookup(compiler.TrustFile); !ok {
		return nil, nil, nil
	}
	text, err := t.ReadFile(compiler.TrustFile)
	if err != nil {
		return nil, nil, err
	}
	return compiler.Trust(ctx, compiler.TrustFile, text, t.ReadFile, schemas.FS)
}
