//go:build unix && !linux

package sandbox

import (
	"os/exec"
	"syscall"
)

// processAttr puts a child into a group of its own. Elsewhere than on Linux it
// survives us if we are killed.
func processAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// wait returns when the process has exited and its group is killed.
func (g *process) wait() {
	g.cmd.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.killGroup()
	g.gone = true
}

type forker struct{}

func (*forker) start(cmd *exec.Cmd) error { return cmd.Start() }
func (*forker) stop()                     {}

// A meter knows nothing here: memory is neither shown nor bounded.
type meter struct{}

func newMeter(int) *meter            { return &meter{} }
func (*meter) read() (now, peak int) { return 0, 0 }
func (*meter) close()                {}
