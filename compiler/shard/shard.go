// Package shard lets several machines share one compile (DESIGN §10).
//
// What they exchange is what the cache keeps: results of stages, each named by
// everything that it was made from, the program included. A machine that is
// shard i of n compiles the clusters that are its own and pushes the entries
// that it used for them as one OCI artifact; whoever assembles pulls the shards
// into its cache and compiles as if it were alone. So an assembly gives the
// digests that one machine gives, whatever the shards did: an entry that is not
// there is computed, and a shard that is lost costs time and nothing else.
//
// The tag of a shard is a function of its input. A second attempt pushes the
// same again; two at once do no harm, nor do two assemblies.
//
// As with any cache that is shared, who can write to the repository can put
// false results there.
package shard

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Shard is one part of a fleet. The zero value is all of it.
type Shard struct{ Index, Count int }

// MaxCount is the largest number of shards of a fleet.
const MaxCount = 10_000

// Parse reads "3/16": the fourth of sixteen.
func Parse(s string) (Shard, *diag.Diagnostic) {
	i, n, ok := strings.Cut(s, "/")
	index, err := strconv.Atoi(i)
	count, err2 := strconv.Atoi(n)
	if !ok || cmp.Or(err, err2) != nil {
		return Shard{}, diag.Errorf("SHD001", "%q is no shard", s).
			Fix("write INDEX/COUNT, for example 3/16; the first one is 0/16")
	}
	return New(index, count)
}

// New checks a shard.
func New(index, count int) (Shard, *diag.Diagnostic) {
	switch {
	case count < 1 || count > MaxCount:
		return Shard{}, diag.Errorf("SHD001", "a fleet cannot be compiled in %d shards", count).Fix("use 1 to %d", MaxCount)
	case index < 0 || index >= count:
		return Shard{}, diag.Errorf("SHD001", "there is no shard %d of %d", index, count).
			Fix("shards count from 0: the last one is %d/%d", count-1, count)
	}
	return Shard{index, count}, nil
}

// String returns what Parse reads.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// Has reports whether a cluster is of this shard, by its place in the sorted
// list: neighbours, which are often alike in size, go to different shards.
func (s Shard) Has(cluster int) bool { return s.Count == 0 || cluster%s.Count == s.Index }

// Input is what shards must have in common to be of use to each other.
type Input struct {
	Tree     string // digest of the fleet's files
	Compiler string // digest of the program
	Now      string // what dates were judged at
}

// InputOf names the input of a compile.
func InputOf(t *tree.Tree, compiler string, now time.Time) Input {
	h := sha256.New()
	for _, e := range t.Entries() {
		fmt.Fprintf(h, "%q %o %s\n", e.Path, e.Mode, e.ID)
	}
	return Input{hex.EncodeToString(h.Sum(nil)), compiler, now.UTC().Format(time.RFC3339)}
}

// Tag is the name of a shard in its repository.
func (in Input) Tag(s Shard) string {
	return fmt.Sprintf("%s-%d-of-%d", in.name(), s.Index, s.Count)
}

// name is short enough for a tag, and no two inputs have the same.
func (in Input) name() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", in.Tree, in.Compiler, in.Now))
	return hex.EncodeToString(sum[:12])
}

// Annotations of a shard's manifest. They are read back: a tag can be moved.
const (
	annotationShard    = "dev.darkstart.shard"
	annotationTree     = "dev.darkstart.shard.tree"
	annotationCompiler = "dev.darkstart.shard.compiler"
	annotationNow      = "dev.darkstart.shard.now"
)

func (in Input) annotations(s Shard) map[string]string {
	return map[string]string{annotationShard: s.String(), annotationTree: in.Tree, annotationCompiler: in.Compiler, annotationNow: in.Now}
}

// differs says in what a manifest is not of this input, "" when it is.
func (in Input) differs(s Shard, annotations map[string]string) string {
	want := in.annotations(s)
	for _, a := range []struct{ key, what string }{
		{annotationTree, "other files"}, {annotationCompiler, "another program"}, {annotationNow, "another time"}, {annotationShard, "another shard"},
	} {
		if annotations[a.key] != want[a.key] {
			return a.what
		}
	}
	return ""
}
