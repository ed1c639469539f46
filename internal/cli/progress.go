package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/darkstart-dev/darkstart/compiler"
)

// patience is how long a command may be silent: progress appears only for
// what takes longer than a person waits without wondering.
const patience = time.Second

// progress says on stderr, once a second, what the compiler is doing.
type progress struct {
	out  io.Writer
	done chan struct{}
	wait sync.WaitGroup

	mu   sync.Mutex
	last compiler.Event
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, done: make(chan struct{})}
	p.wait.Go(func() {
		tick := time.NewTicker(patience)
		defer tick.Stop()
		for {
			select {
			case <-p.done:
				return
			case <-tick.C:
				p.print()
			}
		}
	})
	return p
}

func (p *progress) event(e compiler.Event) {
	p.mu.Lock()
	p.last = e
	p.mu.Unlock()
}

func (p *progress) stop() {
	close(p.done)
	p.wait.Wait()
}

var doing = map[string]string{
	"evaluate": "evaluating CUE", "render": "rendering manifests", "link": "linking the fleet",
	"plan": "solving recovery", "guard": "checking guardrails", "emit": "writing artifacts",
}

func (p *progress) print() {
	p.mu.Lock()
	e := p.last
	p.mu.Unlock()
	switch {
	case e.Stage == "":
	case e.Total > 0:
		fmt.Fprintf(p.out, "darkstart: %s, %d of %d clusters\n", doing[e.Stage], e.Done, e.Total)
	default:
		fmt.Fprintf(p.out, "darkstart: %s\n", doing[e.Stage])
	}
}
