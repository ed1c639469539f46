package cli

import (
	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/internal/profile"
)

// profileFlags adds what says where the time of a command goes: docs/profiles.md.
func profileFlags(root *cobra.Command, c *profile.Config) {
	f := root.PersistentFlags()
	f.StringVar(&c.CPU, "cpuprofile", "", "write a CPU profile of the run to `FILE`, for go tool pprof")
	f.StringVar(&c.Mem, "memprofile", "", "write a memory profile of the run to `FILE`, for go tool pprof")
	f.StringVar(&c.Trace, "trace", "", "write what ran when to `FILE`, for ui.perfetto.dev: one span a stage and unit")
}
