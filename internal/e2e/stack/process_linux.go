package stack

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// childAttr gives a child a session of its own, so that an interrupt at the
// terminal reaches the test alone, and lets it die with its parent.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

func resident(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var kib int64
	if _, rest, ok := bytes.Cut(b, []byte("VmRSS:")); ok {
		fmt.Sscan(string(rest), &kib)
	}
	return kib << 10
}
