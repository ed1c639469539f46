package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
)

// Version is the compiler's own version: part of records (minCompiler),
// never of content.
const Version = compiler.Version

type versionInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Revision string `json:"revision,omitempty"`
	Schema   string `json:"schema"`
}

func newVersion(inv *Invocation) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "print the version of the compiler and of the schema",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{Version: Version, Schema: "v1"}
			if bi, ok := debug.ReadBuildInfo(); ok {
				v.Go = bi.GoVersion
				for _, s := range bi.Settings {
					if s.Key == "vcs.revision" {
						v.Revision = s.Value
					}
				}
			}
			if format == "json" {
				return printJSON(inv.Stdout, v)
			}
			_, err := fmt.Fprintf(inv.Stdout, "darkstart %s (schema %s, %s)\n", v.Version, v.Schema, v.Go)
			return err
		},
	}
	outputFlag(cmd, &format, "text", "json")
	return cmd
}
