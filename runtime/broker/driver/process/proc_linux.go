package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A handle holds on to a process by a descriptor (pidfd_open(2), Linux 5.3).
type handle struct {
	pid int
	fd  int // -1 where the kernel has none
}

func openHandle(pid int) handle {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		fd = -1
	}
	return handle{pid, fd}
}

func (h *handle) close() {
	if h.fd >= 0 {
		unix.Close(h.fd)
		h.fd = -1
	}
}

func (h *handle) signal(s syscall.Signal) {
	if h.fd >= 0 {
		unix.PidfdSendSignal(h.fd, s, nil, 0)
		return
	}
	syscall.Kill(h.pid, s)
}

const pollEach = 200 * time.Millisecond // where there are no descriptors of processes

// wait returns true when the process has ended, and false when the event came or the
// time, unless it is 0, is over.
func (h *handle) wait(cancel *event, limit time.Duration) bool {
	began := time.Now()
	for {
		left := -1
		if limit > 0 {
			left = int(max(0, limit-time.Since(began)) / time.Millisecond)
		}
		fds := []unix.PollFd{{Fd: -1}, {Fd: -1}}
		if cancel != nil {
			fds[0] = unix.PollFd{Fd: int32(cancel.fd), Events: unix.POLLIN}
		}
		if h.fd >= 0 {
			fds[1] = unix.PollFd{Fd: int32(h.fd), Events: unix.POLLIN}
		} else if each := int(pollEach / time.Millisecond); left < 0 || left > each {
			left = each
		}
		if _, err := unix.Poll(fds, left); err != nil && err != unix.EINTR {
			time.Sleep(pollEach)
		}
		if h.fd < 0 {
			if _, ok := startOf(h.pid); !ok {
				return true
			}
		}
		switch {
		case fds[1].Revents != 0:
			return true
		case fds[0].Revents != 0, limit > 0 && time.Since(began) >= limit:
			return false
		}
	}
}

// An event happens once, and is seen by all who wait.
type event struct{ fd int }

func newEvent() (*event, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return &event{fd}, err
}

func (e *event) send() { unix.Write(e.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// happened reports whether the event was sent.
func (e *event) happened() bool {
	fds := []unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLIN}}
	n, _ := unix.Poll(fds, 0)
	return n > 0
}

// wait returns true when the event has happened, and false when the time is over.
func (e *event) wait(limit time.Duration) bool {
	for until := time.Now().Add(limit); ; {
		left := max(0, time.Until(until))
		fds := []unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, int(left/time.Millisecond)); n > 0 || err != unix.EINTR {
			return n > 0
		}
	}
}

func (e *event) close() error { return unix.Close(e.fd) }

// bootID tells this boot of the machine from others, in which the same number may
// have started at the same time.
var bootID = sync.OnceValue(func() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
})

// startOf says when a process started, and whether it still runs (proc_pid_stat(5)):
// one that has ended keeps its number until it is waited for.
func startOf(pid int) (start string, running bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", false
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 20 {
		return "", false
	}
	return bootID() + ":" + fields[19], fields[0] != "Z" && fields[0] != "X"
}

// killMarked ends all processes of a node's that have its mark, and returns when they
// have ended.
func killMarked(folder string) {
	mark := []byte(markVariable + "=" + folder)
	for range 20 { // what starts others may have to be killed more than once
		entries, _ := os.ReadDir("/proc")
		found := false
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || pid == os.Getpid() {
				continue
			}
			h := openHandle(pid)
			environ, err := os.ReadFile("/proc/" + e.Name() + "/environ")
			if err == nil && hasEntry(environ, mark) {
				found = true
				h.signal(syscall.SIGKILL)
				h.wait(nil, time.Second)
				(&proc{ident: ident{PID: pid}}).reap()
			}
			h.close()
		}
		if !found {
			return
		}
	}
}

// hasMark reports whether a process is of the node, or the cluster, whose folder has
// that name. The folder may have been moved since it started.
func hasMark(pid int, name string) bool {
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || len(environ) == 0 {
		return true // it hides, or has just begun: then its number and start have to do
	}
	for e := range bytes.SplitSeq(environ, []byte{0}) {
		if value, ok := bytes.CutPrefix(e, []byte(markVariable+"=")); ok && filepath.Base(string(value)) == name {
			return true
		}
	}
	return false
}

func hasEntry(environ, entry []byte) bool {
	for e := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(e, entry) {
			return true
		}
	}
	return false
}
