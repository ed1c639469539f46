//go:build !unix

package main

import (
	"os"
	"time"
)

var started = time.Now()

// maxRSS is not accounted here.
func maxRSS(*os.ProcessState) int64 { return 0 }

// cpu is wall time where the processor's is not accounted: the work it is
// asked about is done one thing at a time.
func cpu() time.Duration { return time.Since(started) }
