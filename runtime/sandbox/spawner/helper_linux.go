package spawner

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// helperName is the helper's first argument, and its name in ps. No program is
// called so.
const helperName = "millrace-spawn"

// init turns this program into the helper when it was started as one: before
// main, and before the packages that import this one.
func init() {
	if len(os.Args) == 1 && os.Args[0] == helperName {
		serve()
		os.Exit(0)
	}
}

// A host is the helper at work.
type host struct {
	null *os.File

	mu       sync.Mutex     // held while a child is started, and while one is reaped
	children map[int]*child // that were asked for and are not yet reaped, by id
	news     chan struct{}  // a child was started
}

// A child is a process that was asked for.
type child struct {
	pid  int
	tag  tag
	conn *net.UnixConn // of its Process
}

// serve runs on the main thread, as every init does. That thread lives as long
// as the process, which matters to the parent-death signal of the children.
func serve() {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	unix.CloseOnExec(3)
	requests, err := connOf(3)
	if err != nil {
		return
	}
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	name, _ := unix.BytePtrFromString(helperName)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0)
	// Caught, not ignored: what is ignored the children would ignore too. The
	// helper ends when the socket closes, and not before.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)

	h := &host{null: null, children: map[int]*child{}, news: make(chan struct{}, 1)}
	go h.reap()
	for one := make([]byte, 1); ; {
		output, conn, err := receive(requests, one)
		if err != nil {
			break
		}
		h.start(output, conn)
	}
	h.end()
}

// receive returns the output and the socket of the next process to start.
func receive(requests *net.UnixConn, one []byte) (output int, conn *net.UnixConn, err error) {
	oob := make([]byte, unix.CmsgSpace(2*4))
	n, oobn, _, _, err := requests.ReadMsgUnix(one, oob) // sets close-on-exec
	if err != nil || n == 0 {
		return 0, nil, errors.Join(err, net.ErrClosed)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return 0, nil, errors.Join(err, net.ErrClosed)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 2 {
		return 0, nil, errors.Join(err, net.ErrClosed)
	}
	conn, err = connOf(fds[1])
	return fds[0], conn, err
}

// start starts a process, and answers how that went.
func (h *host) start(output int, conn *net.UnixConn) {
	defer unix.Close(output)
	var r request
	if json.NewDecoder(conn).Decode(&r) != nil {
		conn.Close()
		return
	}
	h.mu.Lock() // until the answer is given: the news of its end comes after it
	defer h.mu.Unlock()
	errno := h.fork(r, output, conn)
	if errno == nil {
		return
	}
	var s started
	errors.As(errno, &s.Errno)
	json.NewEncoder(conn).Encode(s)
	conn.Close()
}

// fork is called with mu held.
func (h *host) fork(r request, output int, conn *net.UnixConn) error {
	takeBack := r.Tag.lend()
	pid, err := syscall.ForkExec(r.Path, []string{r.Path}, &syscall.ProcAttr{
		Dir: r.Dir, Env: r.Env, Files: []uintptr{h.null.Fd(), uintptr(output), uintptr(output)},
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	takeBack()
	if err != nil {
		return err
	}
	c := &child{pid, r.Tag, conn}
	h.children[pid] = c
	json.NewEncoder(conn).Encode(started{PID: pid})
	select {
	case h.news <- struct{}{}:
	default:
	}
	go h.watch(c)
	return nil
}

// watch kills a child when nobody wants it anymore.
func (h *host) watch(c *child) {
	io.Copy(io.Discard, c.conn) // returns at its end
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.children[c.pid] == c {
		syscall.Kill(-c.pid, syscall.SIGKILL)
	}
}

// siginfo is the beginning of siginfo_t, and as long as it.
type siginfo struct {
	signo, errno, code int32
	_                  [0]uintptr // what follows is a union with pointers
	pid                int32
	_                  [112]byte
}

// reap takes leave of all that has ended: children, and what they left behind.
func (h *host) reap() {
	for {
		var info siginfo
		switch err := unix.Waitid(unix.P_ALL, 0, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT, nil); err {
		case nil:
			h.take(int(info.pid))
		case unix.ECHILD:
			<-h.news
		}
	}
}

// take reaps a process that has ended. Until then its id, and its group's,
// cannot be anyone else's.
func (h *host) take(pid int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.children[pid]
	if c != nil {
		syscall.Kill(-pid, syscall.SIGKILL)
		delete(h.children, pid)
	}
	var status syscall.WaitStatus
	syscall.Wait4(pid, &status, 0, nil)
	if c != nil {
		go c.end(status)
	}
}

// end tells how a child ended, when all that it started has ended too.
func (c *child) end(status syscall.WaitStatus) {
	c.tag.end()
	json.NewEncoder(c.conn).Encode(ended{describe(status)})
	c.conn.Close()
}

// describe tells a status as os.ProcessState does, and success as "".
func describe(s syscall.WaitStatus) string {
	switch {
	case s.Signaled() && s.CoreDump():
		return "signal: " + s.Signal().String() + " (core dumped)"
	case s.Signaled():
		return "signal: " + s.Signal().String()
	case s.ExitStatus() != 0:
		return "exit status " + strconv.Itoa(s.ExitStatus())
	}
	return ""
}

// end kills all that is left, when the other process is gone. What is orphaned by
// that is adopted, and killed in its turn.
func (h *host) end() {
	h.mu.Lock()
	for _, c := range h.children {
		syscall.Kill(-c.pid, syscall.SIGKILL)
		defer c.tag.end()
	}
	h.mu.Unlock()
	for giveUp := time.Now().Add(patience); h.killAdopted() && time.Now().Before(giveUp); {
		time.Sleep(time.Millisecond)
	}
}

// killAdopted kills all children, asked for or not, and reports whether there
// were any. None of them is reaped meanwhile.
func (h *host) killAdopted() (any bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, pid := range processes() {
		if parentOf(pid) == os.Getpid() {
			syscall.Kill(pid, syscall.SIGKILL)
			any = true
		}
	}
	return any
}

// parentOf reads it from a line such as "4711 (a name) S 1 …"; 0 is unknown.
func parentOf(pid int) int {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}
