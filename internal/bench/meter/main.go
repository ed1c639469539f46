// Command meter runs a program and writes what it cost to file descriptor 3,
// as JSON: CPU seconds of it and of every process that it waited for, wall
// seconds, and the largest resident set of one of them.
//
// The kernel counts the memory of the process that starts a program as the
// program's, because for a moment the two share it. So whoever measures small
// programs has to be one: what this one needs, a few MiB, is the least that can
// be measured.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/darkstart-dev/darkstart/internal/bench/cost"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "meter: want a program and its arguments")
		os.Exit(2)
	}
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "meter:", err)
		os.Exit(2)
	}
	os.Exit(status)
}

// run returns the exit status of the program.
func run(args []string) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	p := cmd.ProcessState
	to := os.NewFile(3, "usage")
	if _, err := fmt.Fprintf(to, `{"cpu":%.3f,"wall":%.3f,"mib":%.1f}`,
		(p.UserTime() + p.SystemTime()).Seconds(), wall.Seconds(), float64(cost.MaxRSS(p))/(1<<20)); err != nil {
		return 0, err
	}
	if !p.Exited() {
		return 0, fmt.Errorf("%s: %s", args[0], p)
	}
	return p.ExitCode(), to.Close()
}
