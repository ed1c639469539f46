package cli

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
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

// Bounds of the collector, in bytes.
const (
	// roomy is the heap below which nothing is collected.
	roomy = 192 << 20
	// ample is the memory beyond which it is collected sooner than usual.
	ample = 800 << 20
)

// pacer sets the pace of the garbage collector. GOGC and GOMEMLIMIT, where they
// are set, are obeyed.
type pacer struct {
	usual   int // percent, 0 once it is back
	limited bool
}

// unhurried puts the first garbage collection off until the heap is roomy. A
// command on a small fleet is over by then, and collecting a heap that grows
// from 4 MiB on was 40 % of its CPU time. From the first collection on the pace
// is the usual one, which lets a heap grow to twice what is alive in it: that is
// stopped where memory is ample. What is alive may need more than that, so the
// limit leaves half as much again, and collecting stays a small part of the work.
func unhurried() {
	p := &pacer{limited: os.Getenv("GOMEMLIMIT") == ""}
	if os.Getenv("GOGC") == "" {
		const least = 4 << 20 // the runtime's smallest goal, at 100 percent
		p.usual = debug.SetGCPercent(roomy / least * 100)
	}
	p.collected()
}

// collected is called after each collection, and when there was none.
func (p *pacer) collected() {
	if p.limited {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetMemoryLimit(max(ample, int64(live[0].Value.Uint64())*3/2))
	}
	next := new([16]byte) // what the next collection finds dead
	runtime.AddCleanup(next, func(p *pacer) {
		if p.usual != 0 {
			debug.SetGCPercent(p.usual)
			p.usual = 0
		}
		p.collected()
	}, p)
}
