package git_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/git"
)

// BenchmarkTree opens a repository of 10,000 files and lists it: loose objects
// as after `git add`, and packed ones as after a clone.
func BenchmarkTree(b *testing.B) {
	s := newSandbox(b)
	for i := range 10_000 {
		s.write(fmt.Sprintf("components/c%d/f%d.yaml", i/20, i), fmt.Sprintf("kind: X\nname: n%d\n", i))
	}
	s.commit("base")
	for _, state := range []string{"loose", "packed"} {
		if state == "packed" {
			s.git("gc", "-q")
		}
		for _, kind := range []git.Kind{git.Commit, git.Index, git.Worktree} {
			b.Run(state+"/"+string(kind), func(b *testing.B) {
				for b.Loop() {
					if tr, _, ds, err := s.open().Tree(context.Background(), git.Selector{Kind: kind}); err != nil || len(ds) > 0 || len(tr.Entries()) != 10_000 {
						b.Fatal(ds, err)
					}
				}
			})
		}
	}
}
