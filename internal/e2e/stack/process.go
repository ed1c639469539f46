package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs beside the test, with a log of its own.
type Process struct {
	Name string
	Log  string // path
	cmd  *exec.Cmd
	done chan struct{}
	err  error // why it ended; set before done is closed
}

// Group starts processes and ends those that it started, by their id, the
// newest first. The kernel ends them too when the test is killed: that signal
// is tied to the thread that forks, so one goroutine keeps one thread for it.
type Group struct {
	logs string
	fork chan func()
	mu   sync.Mutex
	all  []*Process
}

// NewGroup returns a group whose processes log below dir.
func NewGroup(dir string) (*Group, error) {
	g := &Group{logs: dir, fork: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for f := range g.fork {
			f()
		}
	}()
	return g, os.MkdirAll(dir, 0o755)
}

// Start starts a program with only the given environment.
func (g *Group) Start(name string, env []string, argv ...string) (*Process, error) {
	p := &Process{Name: name, Log: filepath.Join(g.logs, name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = env, g.logs, log, log
	p.cmd.SysProcAttr = childAttr()
	started := make(chan error)
	g.fork <- func() { started <- p.cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, p)
	return p, nil
}

// Stop ends all processes and waits for them.
func (g *Group) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range slices.Backward(g.all) {
		p.Stop()
	}
	g.all = nil
	close(g.fork)
}

// Stop ends the process and waits: kindly for two seconds, then not.
func (p *Process) Stop() {
	p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	select {
	case <-p.done:
	case <-time.After(2 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
}

// Ended returns an error that quotes the log once the process is no more.
func (p *Process) Ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended (%w); the last lines of %s:\n%s", p.Name, errors.Join(p.err, os.ErrProcessDone), p.Log, p.tail())
	default:
		return nil
	}
}

// Memory returns the process's resident memory in bytes, 0 where the system
// does not tell.
func (p *Process) Memory() int64 { return resident(p.cmd.Process.Pid) }

func (p *Process) tail() string {
	b, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}
