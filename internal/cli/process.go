package cli

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// Main runs the command that this process was started with and returns its exit
// status. SIGINT and SIGTERM cancel it.
func Main() int {
	unhurried()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, Invocation{
		Args:    os.Args[1:],
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.Getenv,
		Environ: os.Environ,
	})
}

// roomy is the heap, in bytes, below which nothing is collected.
const roomy = 192 << 20

// unhurried puts the first garbage collection off until the heap is roomy. A
// command on a small fleet is over by then, and collecting a heap that grows
// from 4 MiB on was 40 % of its CPU time. From the first collection on the pace
// is the usual one. GOGC, where it is set, and GOMEMLIMIT are obeyed.
func unhurried() {
	if os.Getenv("GOGC") != "" {
		return
	}
	const least = 4 << 20 // the runtime's smallest goal, at 100 percent
	usual := debug.SetGCPercent(roomy / least * 100)
	first := new([16]byte) // what the first collection finds dead
	runtime.AddCleanup(first, func(percent int) { debug.SetGCPercent(percent) }, usual)
}
