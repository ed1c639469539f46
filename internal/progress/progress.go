// Package progress says how far a long command is, and how long it will take.
//
// On a terminal that is one line, written over again and again; anywhere else,
// as in the log of a CI job, it is a new line every few seconds. A command that
// is over within a second says nothing. No escape sequence is written, so there
// is nothing in it that NO_COLOR would have to take away.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// patience is how long a command may be silent: what takes no longer than a
	// person waits without wondering says nothing.
	patience = time.Second
	// redraw is how often the line of a terminal is written over.
	redraw = 200 * time.Millisecond
	// repeat is how often a log gets a line.
	repeat = 5 * time.Second
)

// Config of New. Out and Now are required.
type Config struct {
	Out io.Writer
	Now func() time.Time
	// Prefix begins every line.
	Prefix string
	// Stages are what the work consists of, in their order.
	Stages []Stage
	// Width is the width of the terminal that Out is; nil: it is none.
	Width func() int
}

// Line is the progress of one piece of work. Nil shows nothing.
type Line struct {
	cfg  Config
	quit chan struct{} // nil while it does not run
	wait sync.WaitGroup

	mu    sync.Mutex
	meter meter
	shown int       // columns that are written on the terminal
	said  time.Time // when a log got its last line
}

// New returns the progress of work that begins now. It shows nothing before
// Start.
func New(c Config) *Line { return &Line{cfg: c, meter: meter{stages: c.Stages, begun: c.Now()}} }

// Start begins to show progress, until Stop. It may be started again: for what
// of the work comes later.
func (l *Line) Start() {
	if l == nil || l.quit != nil {
		return
	}
	every := patience
	if l.cfg.Width != nil {
		every = redraw
	}
	quit := make(chan struct{})
	l.quit = quit
	l.wait.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				l.tick(l.cfg.Now())
			}
		}
	})
}

// Stop ends what Start began, and clears the line of a terminal: the next one
// who writes finds it empty.
func (l *Line) Stop() {
	if l == nil || l.quit == nil {
		return
	}
	close(l.quit)
	l.wait.Wait()
	l.quit = nil
	l.clear()
}

// Event tells that a stage is done with so many of its units. A total of 0 says
// that it has begun. It may be called from several goroutines.
func (l *Line) Event(stage string, done, total int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meter.event(stage, done, total)
}

// tick shows where the work is, if it is time to.
func (l *Line) tick(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.meter.sample(now)
	if now.Sub(l.meter.begun) < patience {
		return
	}
	text := l.meter.text(now)
	if text == "" {
		return
	}
	text = l.cfg.Prefix + text
	if l.cfg.Width != nil {
		l.over(text)
	} else if l.said.IsZero() || now.Sub(l.said) >= repeat {
		l.said = now
		fmt.Fprintln(l.cfg.Out, text)
	}
}

// over writes a line over the one before, blanks where that was longer. The
// last column stays free: a terminal may begin another line there.
func (l *Line) over(text string) {
	if w := l.cfg.Width() - 1; w > 0 && len(text) > w {
		text = text[:w]
	}
	fmt.Fprintf(l.cfg.Out, "\r%-*s", l.shown, text)
	l.shown = len(text)
}

func (l *Line) clear() {
	if l.shown > 0 {
		fmt.Fprintf(l.cfg.Out, "\r%*s\r", l.shown, "")
		l.shown = 0
	}
}
