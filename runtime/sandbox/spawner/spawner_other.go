//go:build unix && !linux

package spawner

import (
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A Spawner starts processes. The zero Spawner is ready.
type Spawner struct{}

// Start starts a process.
func (*Spawner) Start(c Command) (*Process, error) {
	p := &Process{cmd: &exec.Cmd{
		Path: c.Path, Args: []string{c.Path}, Dir: c.Dir, Env: c.Env, Stdout: c.Output, Stderr: c.Output,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}}
	return p, p.cmd.Start()
}

// Stop does nothing: processes end one by one.
func (*Spawner) Stop() {}

// A Process is a process that was started, and its process group.
type Process struct {
	cmd *exec.Cmd

	mu   sync.Mutex
	gone bool // reaped: its id may belong to another process
}

// Wait returns when the process has ended and its group is killed, and how it
// ended: "" for exit code 0, else as os.ProcessState tells it. It is called once.
func (p *Process) Wait() (how string) {
	p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killGroup()
	p.gone = true
	if !p.cmd.ProcessState.Success() {
		how = p.cmd.ProcessState.String()
	}
	return how
}

// Kill ends the process and its group. It does not wait for that.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.killGroup()
	}
}

func (p *Process) killGroup() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// Close does nothing.
func (*Process) Close() {}

// Memory knows nothing here: memory is neither shown nor bounded.
func (*Process) Memory(time.Duration) (now, peak int) { return 0, 0 }
