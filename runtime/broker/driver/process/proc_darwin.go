package process

import (
	"fmt"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A handle holds on to nothing: a process is looked at again and again.
type handle struct{ pid int }

func openHandle(pid int) handle           { return handle{pid} }
func (h *handle) close()                  {}
func (h *handle) signal(s syscall.Signal) { syscall.Kill(h.pid, s) }

const pollEach = 200 * time.Millisecond

// wait returns true when the process has ended, and false when the event came or the
// time, unless it is 0, is over.
func (h *handle) wait(cancel *event, limit time.Duration) bool {
	var canceled <-chan struct{}
	if cancel != nil {
		canceled = cancel.sent
	}
	began := time.Now()
	for {
		if _, ok := startOf(h.pid); !ok {
			return true
		}
		if limit > 0 && time.Since(began) >= limit {
			return false
		}
		select {
		case <-canceled:
			return false
		case <-time.After(pollEach):
		}
	}
}

// An event happens once, and is seen by all who wait.
type event struct {
	once sync.Once
	sent chan struct{}
}

func newEvent() (*event, error) { return &event{sent: make(chan struct{})}, nil }
func (e *event) send()          { e.once.Do(func() { close(e.sent) }) }
func (e *event) close() error   { return nil }

// happened reports whether the event was sent.
func (e *event) happened() bool {
	select {
	case <-e.sent:
		return true
	default:
		return false
	}
}

// wait returns true when the event has happened, and false when the time is over.
func (e *event) wait(limit time.Duration) bool { return within(e.sent, limit) }

const zombie = 5 // SZOMB of sys/proc.h

// startOf says when a process started, and whether it still runs: one that has ended
// keeps its number until it is waited for.
func startOf(pid int) (start string, running bool) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(info.Proc.P_pid) != pid {
		return "", false
	}
	return fmt.Sprintf("%d.%06d", info.Proc.P_starttime.Sec, info.Proc.P_starttime.Usec), info.Proc.P_stat != zombie
}

// killMarked does nothing: the system shows nobody else's environment.
func killMarked(string) {}

// hasMark cannot tell, for the same reason.
func hasMark(int, string) bool { return true }

// killListener finds nobody, for the same reason.
func killListener(netAddr, []string) bool { return false }
