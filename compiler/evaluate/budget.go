package evaluate

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// budget runs one unit's evaluation under the limits of time and memory, and
// turns a panic of the evaluator into a diagnostic: a crafted file must not
// take the process down.
//
// A run that exceeds a limit is abandoned. It writes to variables that nobody
// reads any more.
func (w *worker) budget(ctx context.Context, f *folder, run func() error) (*diag.Diagnostic, error) {
	type result struct {
		diag *diag.Diagnostic
		err  error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- result{diag: crashed(f, p)}
			}
		}()
		done <- result{err: run()}
	}()
	deadline := time.NewTimer(w.config.deadline())
	defer deadline.Stop()
	watch := time.NewTicker(20 * time.Millisecond)
	defer watch.Stop()
	for {
		select {
		case r := <-done:
			return r.diag, r.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			return over(f, "EVL032", "evaluating %s takes longer than %s", f.dir, w.config.deadline()), nil
		case <-watch.C:
			if used := heap(); used > w.config.maxMemory() {
				return over(f, "EVL033", "evaluating %s needs more memory than %d MiB", f.dir, w.config.maxMemory()>>20), nil
			}
		}
	}
}

func over(f *folder, code, format string, args ...any) *diag.Diagnostic {
	return diag.Errorf(code, format, args...).At(diag.Position{File: f.dir}, "").
		Fix("look for comprehensions that multiply each other, and for lists that are generated; a cluster of a hundred components takes well under a second")
}

func crashed(f *folder, p any) *diag.Diagnostic {
	return diag.Errorf("EVL029", "the CUE evaluator failed on %s: %s", f.dir, plain(fmt.Sprint(p))).
		At(diag.Position{File: f.dir}, "").
		Note("stack: %s", firstFrames(debug.Stack())).
		Fix("this is a defect of the evaluator, not of your file; reduce the file until it passes and report it")
}

// heap returns the bytes of live and not yet collected objects.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
