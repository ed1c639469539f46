// Command darkstart checks, plans and compiles fleets of Kubernetes clusters
// from CUE in git into signed, immutable bundles. `darkstart help` lists what
// it does; the exit codes are documented in package cli.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/darkstart-dev/darkstart/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := cli.Run(ctx, cli.Invocation{
		Args:    os.Args[1:],
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.Getenv,
		Environ: os.Environ,
	})
	stop()
	os.Exit(status)
}
