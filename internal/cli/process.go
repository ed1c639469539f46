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
	roomy = 256 << 20
	// ample is the memory beyond which it is collected sooner than usual.
	ample = 864 << 20
)

// pacer sets the pace of the garbage collector. GOGC and GOMEMLIMIT, where they
// are set, are obeyed.
type pacer struct {
	paced, limited bool
	goal           int64 // how large the heap was let grow
}

// unhurried lets the heap grow to what is roomy before it is collected, however
// little of it is alive. A command on a small fleet is over by then, and on a
// larger one half of all collections were of a heap that could have grown on. A
// heap of which more is alive grows to twice that, as usual, and to that again when
// less is alive later: the memory is there. Beyond what is ample it grows to a third
// more, so that collecting stays a small part of the work.
func unhurried() {
	p := &pacer{paced: os.Getenv("GOGC") == "", limited: os.Getenv("GOMEMLIMIT") == ""}
	if p.paced || p.limited {
		p.collected()
	}
}

// collected is called after each collection, and when there was none.
func (p *pacer) collected() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	live := max(int64(sample[0].Value.Uint64()), 4<<20) // the runtime takes no less
	if p.paced {
		p.goal = max(p.goal, roomy, 2*live)
		debug.SetGCPercent(int((p.goal - live) * 100 / live))
	}
	if p.limited {
		debug.SetMemoryLimit(max(ample, live*4/3))
	}
	next := new([16]byte) // what the next collection finds dead
	runtime.AddCleanup(next, func(p *pacer) { p.collected() }, p)
}
