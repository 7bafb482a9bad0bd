package spawner

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Spawner starts processes. The zero Spawner is ready, and has no helper before
// the first start. Safe for concurrent use.
type Spawner struct {
	mu     sync.Mutex // held while a process is started; guards helper
	helper *helper

	looking sync.Mutex // guards the next two
	looked  time.Time
	known   map[tag][]int // the census of then
}

// A helper is the other process, see serve.
type helper struct {
	conn *net.UnixConn
	cmd  *exec.Cmd
}

// errHelper says that there is no helper to talk to.
var errHelper = errors.New("the helper that starts processes is gone")

// Start starts a process. The error is the system's, a syscall.Errno, when it
// would not run the executable.
func (s *Spawner) Start(c Command) (*Process, error) {
	p, err := s.start(c)
	if errors.Is(err, errHelper) { // somebody killed it: there is another one now
		p, err = s.start(c)
	}
	// Another child may hold the executable open for writing, between its fork and
	// its exec, if it was written just now (golang.org/issue/22315).
	for wait := time.Millisecond; errors.Is(err, syscall.ETXTBSY) && wait < time.Second; wait *= 2 {
		time.Sleep(wait)
		p, err = s.start(c)
	}
	return p, err
}

func (s *Spawner) start(c Command) (*Process, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	p := &Process{spawner: s, tag: newTag(), conn: ours, said: json.NewDecoder(ours)}
	err = s.send(c.Output, theirs)
	theirs.Close()
	if err == nil {
		err = p.ask(c)
	}
	if err != nil {
		ours.Close()
		return nil, err
	}
	p.openStatus()
	return p, nil
}

// send hands the output and the socket of a new process to the helper.
func (s *Spawner) send(output, conn *os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.helper == nil {
		h, err := startHelper()
		if err != nil {
			return fmt.Errorf("starting the helper: %w", err)
		}
		s.helper = h
	}
	fds := unix.UnixRights(int(output.Fd()), int(conn.Fd()))
	if _, _, err := s.helper.conn.WriteMsgUnix([]byte{0}, fds, nil); err != nil {
		s.helper.stop()
		s.helper = nil
		return fmt.Errorf("%w: %w", errHelper, err)
	}
	return nil
}

func startHelper() (*helper, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	h := &helper{ours, &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{helperName}, Env: []string{}, Dir: "/",
		Stderr: os.Stderr, ExtraFiles: []*os.File{theirs},
		// In a process group of its own: a terminal's ^C is not for it.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}}
	if err := h.cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	return h, nil
}

// stop returns when the helper, and with it all processes, are gone.
func (h *helper) stop() {
	h.conn.Close()
	h.cmd.Wait()
}

// Stop ends the helper, and all processes that there still are.
func (s *Spawner) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.helper != nil {
		s.helper.stop()
		s.helper = nil
	}
}

// family returns the ids of the processes with a tag, as they were less than
// maxAge ago. All processes share one look at /proc.
func (s *Spawner) family(t tag, maxAge time.Duration) []int {
	s.looking.Lock()
	defer s.looking.Unlock()
	if time.Since(s.looked) >= maxAge {
		s.known, s.looked = census(), time.Now()
	}
	return s.known[t]
}

func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "spawner")
	ours, err = connOf(fds[0])
	if err != nil {
		theirs.Close()
	}
	return ours, theirs, err
}

func connOf(fd int) (*net.UnixConn, error) {
	file := os.NewFile(uintptr(fd), "spawner")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}
