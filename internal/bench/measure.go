package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/internal/bench/cost"
)

// usage is what a process and the children it waited for cost.
type usage struct {
	CPU  time.Duration // user and system
	Wall time.Duration
	RSS  int64 // bytes; the largest of all processes
}

// plus adds processes that run side by side: their wall time is not added.
func (u usage) plus(v usage) usage {
	return usage{u.CPU + v.CPU, max(u.Wall, v.Wall), max(u.RSS, v.RSS)}
}

func (u usage) cpu() float64  { return u.CPU.Seconds() }
func (u usage) wall() float64 { return u.Wall.Seconds() }
func (u usage) mib() float64  { return float64(u.RSS) / (1 << 20) }

// command is a program that is measured.
type command struct {
	dir  string
	env  []string // besides the process's own
	args []string
	// judges is true for a program that says with exit code 1 that it found
	// something, which is no failure here.
	judges bool
}

// measure runs a program to its end.
func measure(ctx context.Context, c command) (usage, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Stderr, cmd.Env = c.dir, &stderr, append(os.Environ(), c.env...)
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && c.judges {
		err = nil
	}
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.args, " "), err, stderr.Bytes())
	}
	p := cmd.ProcessState
	return usage{p.UserTime() + p.SystemTime(), wall, cost.MaxRSS(p)}, nil
}

// pair is one run of each side, one after the other, and of the floor.
type pair struct {
	Ours     usage
	Stock    usage
	Programs map[string]usage // parts of Stock
	Floor    []step
}

// step is what floor prints.
type step struct {
	Step string
	CPU  float64
}

func (p pair) floor() float64 {
	var sum float64
	for _, s := range p.Floor {
		sum += s.CPU
	}
	return sum
}

// median returns the middle of f over runs.
func median[T any](runs []T, f func(T) float64) float64 {
	var xs []float64
	for _, r := range runs {
		xs = append(xs, f(r))
	}
	slices.Sort(xs)
	if n := len(xs); n%2 == 0 {
		return (xs[n/2-1] + xs[n/2]) / 2
	}
	return xs[len(xs)/2]
}
