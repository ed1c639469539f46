package evaluate

import (
	"fmt"
	"io/fs"
)

// Vendor returns the files that make a fleet work with stock CUE tools, by
// their path in the fleet: the schema under cue.mod/pkg, where `cue vet` and
// the language server find it without a registry.
func Vendor(schemas fs.FS) (map[string][]byte, error) {
	names, err := fs.Glob(schemas, "v1/*.cue")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("vendor: no v1/*.cue: %w", cmpErr(err, fs.ErrNotExist))
	}
	out := map[string][]byte{}
	for _, n := range names {
		b, err := fs.ReadFile(schemas, n)
		if err != nil {
			return nil, fmt.Errorf("vendor: %w", err)
		}
		out[vendorDir+"/"+n] = b
	}
	return out, nil
}
