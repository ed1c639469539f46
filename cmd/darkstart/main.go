// Command darkstart checks, plans and compiles fleets of Kubernetes clusters
// from CUE in git into signed, immutable bundles. `darkstart help` lists what
// it does; the exit codes are documented in package cli.
package main

import (
	"os"

	"github.com/darkstart-dev/darkstart/internal/cli"
)

func main() { os.Exit(cli.Main()) }
