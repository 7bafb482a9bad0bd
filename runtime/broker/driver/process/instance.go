//go:build linux || darwin

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// An instance is the main process of a node, and what watches it.
type instance struct {
	d        *Driver
	node     string
	folder   folder
	record   record
	main     *proc
	socket   *notifySocket // nil when nobody listens for READY=1
	env      []string      // of commands beside the node
	programs map[string]string
	adopted  bool

	once  sync.Once // of ready
	ready chan struct{}

	*driver.Outcome
}

var _ driver.Instance = (*instance)(nil)

// watch watches a node until it or the driver is over.
func (d *Driver) watch(node string, f folder, r record, main *proc, socket *notifySocket) *instance {
	i := &instance{
		d: d, node: node, folder: f, record: r, main: main, socket: socket,
		ready: make(chan struct{}), Outcome: driver.NewOutcome(),
	}
	d.mu.Lock()
	d.nodes[node] = i
	d.mu.Unlock()
	if socket != nil {
		d.watchers.Go(func() { socket.listen(i.setReady) })
	}
	d.watchers.Go(i.watch)
	return i
}

func (i *instance) watch() {
	exited := i.main.wait(i.d.closing, checkOutput)
	for !exited && !i.d.closing.happened() {
		if err := i.folder.boundOutput(); err != nil {
			i.d.log.Warn("the output of a broker cannot be kept short", "node", i.node, "err", err)
		}
		exited = i.main.wait(i.d.closing, checkOutput)
	}
	if i.socket != nil {
		i.socket.close()
	}
	if !exited {
		return
	}
	if i.main.child { // while it is not waited for, the group's number is nobody else's
		i.main.signalGroup(syscall.SIGKILL)
	}
	status := i.main.reap()
	over := errors.Join(i.folder.sweep(i.record), i.folder.write(record{Node: i.node}))
	why := "it ended " + status
	if last := i.folder.lastLines(i.record.Output); last != "" {
		why += "; its last lines: " + last
	}
	i.d.mu.Lock()
	if i.d.nodes[i.node] == i {
		delete(i.d.nodes, i.node)
	}
	i.d.mu.Unlock()
	if over = errors.Join(over, i.d.leave(i.node)); over != nil {
		i.d.log.Warn("clearing up after a broker failed", "node", i.node, "err", over)
	}
	i.End(fault.New(fault.Unavailable, "%s", why))
	i.main.close()
}

// checkOutput is how often a node's output is looked at, whether it has become too long.
const checkOutput = time.Minute

func (i *instance) setReady()              { i.once.Do(func() { close(i.ready) }) }
func (i *instance) Ready() <-chan struct{} { return i.ready }
func (i *instance) Adopted() bool          { return i.adopted }

// Stop implements driver.Instance.
func (i *instance) Stop(ctx context.Context) error {
	i.Stopping()
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	i.main.signal(syscall.SIGTERM)
	select {
	case <-i.Done():
		return nil
	case <-ctx.Done():
		return i.kill()
	}
}

// kill ends the node by force.
func (i *instance) kill() error {
	i.Stopping()
	i.main.signalGroup(syscall.SIGKILL)
	i.main.signal(syscall.SIGKILL)
	late := time.NewTimer(killTimeout)
	defer late.Stop()
	select {
	case <-i.Done():
		return nil
	case <-late.C:
		return fault.New(fault.Timeout, "%s does not end although it was killed", i.main)
	}
}

const maxExecOutput = 4 << 20

// Exec implements driver.Instance: the command runs on this machine with the node's
// environment. Of its output 4 MB are returned at most.
func (i *instance) Exec(ctx context.Context, stdin io.Reader, command string, args ...string) ([]byte, error) {
	program := i.programs[command]
	if program == "" && filepath.IsAbs(command) {
		program = command
	}
	if program == "" {
		return nil, fault.New(fault.NotFound, "there is no program %.60q beside the broker", command)
	}
	if i.over() { // it would start a port mapper, for nobody
		return nil, fault.New(fault.Unavailable, "the broker does not run")
	}
	ctx, cancel := context.WithTimeout(ctx, execTimeout)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	var stdout, stderr limited
	c.Stdin, c.Stdout, c.Stderr = stdin, &stdout, &stderr
	c.Env, c.Dir = i.env, string(i.folder)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second // what it has started may hold its output open
	err := c.Run()
	if i.over() {
		i.clear()
	}
	if ctx.Err() != nil {
		return nil, fault.Wrap(fault.Of(ctx.Err()), ctx.Err(), "running %s", command)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return stdout.Bytes(), fault.New(fault.Unavailable, "%s ended with exit code %d: %s", command, exit.ExitCode(), driver.LastLines(stderr.Bytes()))
	}
	return stdout.Bytes(), fault.Wrap(fault.Unavailable, err, "running %s", command)
}

func (i *instance) over() bool {
	select {
	case <-i.Done():
		return true
	default:
		return false
	}
}

// clear ends what a command has started that ran while the node ended.
func (i *instance) clear() {
	i.d.mu.Lock()
	again := i.d.nodes[i.node] != nil
	i.d.mu.Unlock()
	if !again {
		killMarked(string(i.folder))
	}
}

const execTimeout = 2 * time.Minute // where nobody says how long

// limited drops what is too much.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := maxExecOutput - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// exitStatus says how a process ended.
func exitStatus(s syscall.WaitStatus) string {
	if s.Signaled() {
		return fmt.Sprintf("by signal %d (%v)", s.Signal(), s.Signal())
	}
	return fmt.Sprintf("with exit code %d", s.ExitStatus())
}
