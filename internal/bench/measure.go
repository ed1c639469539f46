package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
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

// measure runs a program to its end. Findings are no failure here: every
// program that judges says so with exit code 1.
func measure(ctx context.Context, dir string, stdout *bytes.Buffer, name string, args ...string) (usage, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	if stdout != nil {
		cmd.Stdout = stdout
	}
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && stdout == nil {
		err = nil
	}
	if err != nil {
		return usage{}, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	p := cmd.ProcessState
	return usage{p.UserTime() + p.SystemTime(), wall, maxRSS(p)}, nil
}

// pair is one run of each side, one after the other.
type pair struct{ Ours, Stock usage }

// median returns the middle of f over the pairs.
func median(pairs []pair, f func(pair) float64) float64 {
	var xs []float64
	for _, p := range pairs {
		xs = append(xs, f(p))
	}
	slices.Sort(xs)
	if n := len(xs); n%2 == 0 {
		return (xs[n/2-1] + xs[n/2]) / 2
	}
	return xs[len(xs)/2]
}
