//go:build !linux

package stack

import "syscall"

func childAttr() *syscall.SysProcAttr { return nil }

func resident(int) int64 { return 0 }
