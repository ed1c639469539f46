// Package profile records where a run spends its time and memory: CPU and heap
// profiles as `go tool pprof` reads them, and a trace of spans as Perfetto and
// chrome://tracing do.
//
// Stages call a hook when they begin and what it returns when they end
// (compiler.Config.Trace): the compiler itself has no clock.
package profile

import (
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

// Config names the files to write; an empty name writes nothing.
type Config struct {
	CPU   string // CPU samples, pprof's gzipped protobuf
	Mem   string // the live heap and all allocations at the end, likewise
	Trace string // spans, Chrome's trace event format

	Now func() time.Time // the clock of the spans; required with Trace
}

// Recording is a run under way; nil records nothing.
type Recording struct {
	cpu, mem, trace *os.File
	spans           *Spans
}

// Start creates the files and begins to record. A file that cannot be created
// is an error before any work is done.
func Start(c Config) (*Recording, error) {
	r := &Recording{}
	for _, f := range []struct {
		name string
		to   **os.File
	}{{c.CPU, &r.cpu}, {c.Mem, &r.mem}, {c.Trace, &r.trace}} {
		if f.name == "" {
			continue
		}
		var err error
		if *f.to, err = os.Create(f.name); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	if r.cpu != nil {
		if err := pprof.StartCPUProfile(r.cpu); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	if r.trace != nil {
		r.spans = NewSpans(c.Now)
	}
	return r, nil
}

// Hook returns what is called when work begins and returns what is called when
// it ends; nil when no trace is recorded.
func (r *Recording) Hook() func(stage, unit string) (end func()) {
	if r == nil || r.spans == nil {
		return nil
	}
	return r.spans.Begin
}

// Begin calls the hook, where there is one.
func (r *Recording) Begin(stage, unit string) (end func()) {
	if hook := r.Hook(); hook != nil {
		return hook(stage, unit)
	}
	return func() {}
}

// Note adds what is known of the whole run to its trace, where there is one.
func (r *Recording) Note(name, text string) {
	if r != nil && r.spans != nil {
		r.spans.Note(name, text)
	}
}

// Stop ends the recording and writes the files.
func (r *Recording) Stop() error {
	if r == nil {
		return nil
	}
	var errs []error
	if r.cpu != nil {
		pprof.StopCPUProfile()
	}
	if r.mem != nil {
		runtime.GC() // the heap profile is as of the last collection
		errs = append(errs, pprof.Lookup("heap").WriteTo(r.mem, 0))
	}
	if r.trace != nil {
		errs = append(errs, r.spans.Write(r.trace))
	}
	return errors.Join(append(errs, r.close())...)
}

func (r *Recording) close() error {
	var errs []error
	for _, f := range []*os.File{r.cpu, r.mem, r.trace} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
