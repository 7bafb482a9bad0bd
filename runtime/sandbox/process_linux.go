package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processAttr puts a child into a group of its own and lets it die with us. The
// kernel takes "us" to be the thread that forked: see forker.
func processAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// wait returns when the process has exited and its group is killed. It reaps the
// process last: until then its id, and the group's, cannot be anyone else's.
func (g *process) wait() {
	for unix.Waitid(unix.P_PID, g.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.killGroup()
	g.cmd.Wait()
	g.gone = true
}

// A forker starts children from one thread that lives until stop. The zero
// forker is ready, and has no thread before the first start.
type forker struct {
	once sync.Once
	jobs chan func()
	over chan struct{}
}

func (f *forker) start(cmd *exec.Cmd) error {
	f.once.Do(func() {
		f.jobs, f.over = make(chan func()), make(chan struct{})
		go func() {
			defer close(f.over)
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			for job := range f.jobs {
				job()
			}
		}()
	})
	done := make(chan error)
	f.jobs <- func() {
		err := cmd.Start()
		// Another child may hold bootstrap open for writing, between its fork and
		// its exec, if the code was unpacked just now (golang.org/issue/22315).
		for wait := time.Millisecond; errors.Is(err, syscall.ETXTBSY) && wait < time.Second; wait *= 2 {
			time.Sleep(wait)
			err = cmd.Start()
		}
		done <- err
	}
	return <-done
}

// stop ends the thread. All children must be gone.
func (f *forker) stop() {
	f.once.Do(func() {})
	if f.jobs != nil {
		close(f.jobs)
		<-f.over
	}
}

// A meter reads a process's memory from /proc.
type meter struct {
	file *os.File // nil when there is nothing to read
	buf  [4 << 10]byte
}

func newMeter(pid int) *meter {
	file, _ := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	return &meter{file: file}
}

// read returns the resident memory now and at its highest, in MB.
func (m *meter) read() (now, peak int) {
	if m.file == nil {
		return 0, 0
	}
	n, _ := m.file.ReadAt(m.buf[:], 0)
	status := m.buf[:n]
	return megabytes(status, "\nVmRSS:"), megabytes(status, "\nVmHWM:")
}

// megabytes finds a line such as "VmRSS:	    5432 kB".
func megabytes(status []byte, field string) int {
	_, rest, _ := bytes.Cut(status, []byte(field))
	value, _, _ := bytes.Cut(rest, []byte(" kB"))
	kb, _ := strconv.Atoi(string(bytes.TrimSpace(value)))
	return (kb + 1023) / 1024
}

func (m *meter) close() {
	if m != nil && m.file != nil {
		m.file.Close()
	}
}
