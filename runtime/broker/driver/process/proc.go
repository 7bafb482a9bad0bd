//go:build linux || darwin

package process

import (
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// An ident names a process for good: a number is used again, but not with the same start.
type ident struct {
	PID   int    `json:",omitempty"`
	Start string `json:",omitempty"` // of the system's counting
}

// A proc is a process, ours or one that an earlier runtime has started.
type proc struct {
	ident
	child bool // of this runtime, so that its number stays its own until reap

	mu     sync.Mutex
	handle handle
	over   bool // nothing is signaled anymore: the number may be another's
}

func (p *proc) String() string { return fmt.Sprintf("process %d", p.PID) }

// open returns the process if it still runs, else nil: the number, the start and the
// mark of the folder must be its own. One that has ended and was not waited for does not
// run.
func (id ident) open(f folder) *proc {
	if id.PID <= 1 || id.Start == "" {
		return nil
	}
	// Opened first, then looked at: what was looked at is what was opened.
	h := openHandle(id.PID)
	start, running := startOf(id.PID)
	if running && start == id.Start && hasMark(id.PID, filepath.Base(string(f))) {
		return &proc{ident: id, handle: h}
	}
	h.close()
	if start == id.Start { // it may be a child of ours that nobody has waited for
		(&proc{ident: id}).reap()
	}
	return nil
}

// openChild is for a process that was just started and not waited for.
func openChild(pid int) *proc {
	h := openHandle(pid)
	start, _ := startOf(pid)
	return &proc{ident: ident{pid, start}, child: true, handle: h}
}

// signal signals the process; one that has ended is fine.
func (p *proc) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.handle.signal(s)
	}
}

// signalGroup signals all of the process's group.
func (p *proc) signalGroup(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		syscall.Kill(-p.PID, s)
	}
}

// wait waits for the process to end. It returns false when the event came first, or
// the time, unless it is 0, is over.
func (p *proc) wait(cancel *event, limit time.Duration) bool { return p.handle.wait(cancel, limit) }

// close lets go of the process.
func (p *proc) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.handle.close()
}

// reap says how a process that has ended did so. Of others' children nobody tells us.
func (p *proc) reap() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	var status syscall.WaitStatus
	for {
		pid, err := syscall.Wait4(p.PID, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || pid != p.PID:
			return "unwatched, so that its exit code is not known"
		default:
			return exitStatus(status)
		}
	}
}

// end ends a process, by force when it does not heed a signal soon.
func (p *proc) end() {
	p.signal(syscall.SIGTERM)
	if !p.wait(nil, termTimeout) {
		p.signal(syscall.SIGKILL)
		p.wait(nil, killTimeout)
	}
	if p.child {
		p.signalGroup(syscall.SIGKILL)
	}
	p.reap()
	p.close()
}
