package spawner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// A Process is a process that was started, and its descendants.
type Process struct {
	spawner *Spawner
	tag     tag
	conn    *net.UnixConn
	said    *json.Decoder // what the helper says

	pid    int
	status *os.File // of the process itself in /proc; nil when there is nothing to read
	buf    [4 << 10]byte
	family []int // as of the last Memory that looked
}

// A request asks the helper for a process, a started and an ended are its two
// answers. When the socket closes before the second one the process is killed.
type (
	request struct {
		Path, Dir string
		Env       []string
		Tag       tag
	}
	started struct {
		PID   int
		Errno syscall.Errno // of the attempt; 0 for none
	}
	ended struct{ How string }
)

func (p *Process) ask(c Command) error {
	var s started
	err := json.NewEncoder(p.conn).Encode(request{c.Path, c.Dir, c.Env, p.tag})
	if err == nil {
		err = p.said.Decode(&s)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errHelper, err)
	}
	if s.Errno != 0 {
		return s.Errno
	}
	p.pid = s.PID
	return nil
}

// Wait returns when the process and its descendants have ended, and how the
// process did: "" for exit code 0, else as os.ProcessState tells it: "exit status
// 1", "signal: killed". It is called once.
func (p *Process) Wait() (how string) {
	var e ended
	if p.said.Decode(&e) != nil {
		// The helper is gone. The process has ended with it, the others not.
		p.tag.end()
		e.How = "signal: killed"
	}
	return e.How
}

// Kill ends the process and its descendants. It does not wait for that.
func (p *Process) Kill() { p.conn.CloseWrite() }

// Close lets go of a process that has ended.
func (p *Process) Close() {
	p.conn.Close()
	if p.status != nil {
		p.status.Close()
	}
}

func (p *Process) openStatus() {
	p.status, _ = os.Open(fmt.Sprintf("/proc/%d/status", p.pid))
}

// Memory returns what the process and its descendants use now and have used at
// most, in MB; 0 is unknown. Of one process that is its resident memory. Of
// several it is the sum of their proportional sets (PSS), which counts pages that
// they share once; the most is the most that was met. Descendants are looked for
// if the last look is older than maxAge, else taken from the last call.
//
// It is not for concurrent use.
func (p *Process) Memory(maxAge time.Duration) (now, peak int) {
	if p.status == nil {
		return 0, 0
	}
	n, _ := p.status.ReadAt(p.buf[:], 0)
	now, peak = megabytes(p.buf[:n], "\nVmRSS:"), megabytes(p.buf[:n], "\nVmHWM:")
	if maxAge > 0 {
		p.family = p.spawner.family(p.tag, maxAge)
	}
	if len(p.family) <= 1 {
		return now, peak
	}
	now = 0
	for _, pid := range p.family {
		if tagOf(pid) == p.tag { // else it is gone
			now += proportional(pid)
		}
	}
	return now, max(now, peak)
}

// proportional returns a process's PSS, or its resident memory on a kernel that
// does not sum that up (before 4.14).
func proportional(pid int) int {
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err == nil {
		return megabytes(text, "\nPss:")
	}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return megabytes(text, "\nVmRSS:")
}

// megabytes finds a line such as "VmRSS:	    5432 kB".
func megabytes(status []byte, field string) int {
	_, rest, _ := bytes.Cut(status, []byte(field))
	value, _, _ := bytes.Cut(rest, []byte(" kB"))
	kb, _ := strconv.Atoi(string(bytes.TrimSpace(value)))
	return (kb + 1023) / 1024
}
