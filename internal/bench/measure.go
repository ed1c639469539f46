package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// usage is what a process and the children it waited for cost, as meter says it.
type usage struct {
	CPU  float64 `json:"cpu"`  // seconds, user and system
	Wall float64 `json:"wall"` // seconds
	MiB  float64 `json:"mib"`  // the largest resident set of one of the processes
}

// plus adds processes that run side by side: their wall time is not added.
func (u usage) plus(v usage) usage {
	return usage{u.CPU + v.CPU, max(u.Wall, v.Wall), max(u.MiB, v.MiB)}
}

// command is a program that is measured.
type command struct {
	dir  string
	env  []string // besides the process's own
	args []string
	// judges is true for a program that says with exit code 1 that it found
	// something, which is no failure here.
	judges bool
}

// measure runs a program to its end, by meter.
func measure(ctx context.Context, meter string, c command) (usage, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return usage{}, err
	}
	defer read.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, meter, c.args...)
	cmd.Dir, cmd.Stderr, cmd.Env, cmd.ExtraFiles = c.dir, &stderr, append(os.Environ(), c.env...), []*os.File{write}
	err = errors.Join(cmd.Run(), write.Close())
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && c.judges {
		err = nil
	}
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.args, " "), err, stderr.Bytes())
	}
	var u usage
	text, err := io.ReadAll(read)
	if err == nil {
		err = json.Unmarshal(text, &u)
	}
	return u, err
}

// output runs a program that is not measured and returns what it printed.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
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
