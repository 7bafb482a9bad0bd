//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// setApart puts a command into a process group of its own, so that a terminal
// interrupts only us: a second signal, ours after the terminal's, would cut its
// draining short.
func setApart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// stop tells it to drain and end.
func stop(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
