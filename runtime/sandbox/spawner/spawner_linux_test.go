package spawner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"millrace/test/needs"
	waits "millrace/test/patience"
)

// The variable ROLE turns the test binary into what the tests start.
func TestMain(m *testing.M) {
	role, argument, _ := strings.Cut(os.Getenv("ROLE"), " ")
	switch role {
	case "":
		os.Exit(m.Run())
	case "exit":
		code, _ := strconv.Atoi(argument)
		os.Exit(code)
	case "stay": // and say who
		fmt.Println(os.Getpid())
		time.Sleep(time.Hour)
	case "leave": // a daemon, and stay
		daemonise()
		time.Sleep(time.Hour)
	case "escape": // likewise, without a tag
		unix.Setrlimit(rlimitLocks, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
		daemonise()
		time.Sleep(time.Hour)
	case "orphan":
		run("stay", &syscall.SysProcAttr{Setsid: true}).Start()
	}
}

func daemonise() { run("orphan", nil).Run() }

func run(role string, attr *syscall.SysProcAttr) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stdout, cmd.SysProcAttr = []string{"ROLE=" + role}, os.Stdout, attr
	return cmd
}

// start starts a process in a role.
func start(t *testing.T, s *Spawner, role string, output *os.File) *Process {
	t.Helper()
	p, err := s.Start(Command{Path: os.Args[0], Dir: "/", Env: []string{"ROLE=" + role}, Output: output})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// startAndHear starts a process in a role in which somebody says who he is.
func startAndHear(t *testing.T, s *Spawner, role string) (p *Process, pid int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p = start(t, s, role, w)
	w.Close()
	if _, err := fmt.Fscan(r, &pid); err != nil {
		t.Fatal(err)
	}
	return p, pid
}

func newSpawner(t *testing.T) *Spawner {
	needs.Time(t)
	s := new(Spawner)
	t.Cleanup(s.Stop)
	return s
}

// exists reports whether there is such a process, which may be a zombie.
func exists(pid int) bool { return syscall.Kill(pid, 0) == nil }

func mustVanish(t *testing.T, pid int) {
	t.Helper()
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	waits.Until(t, fmt.Sprintf("process %d to be gone", pid), func() bool { return !exists(pid) }, nil)
}

func TestEachProcessEndsInItsOwnWay(t *testing.T) {
	s := newSpawner(t)
	var wg sync.WaitGroup
	for code := range 20 {
		wg.Go(func() {
			want := ""
			if code > 0 {
				want = fmt.Sprintf("exit status %d", code)
			}
			if how := start(t, s, fmt.Sprintf("exit %d", code), os.Stderr).Wait(); how != want {
				t.Errorf("ended with %q, want %q", how, want)
			}
		})
	}
	wg.Wait()
	p := start(t, s, "stay", os.Stderr)
	p.Kill()
	p.Kill()
	if how := p.Wait(); how != "signal: killed" {
		t.Errorf("a killed one ended with %q", how)
	}
}

func TestErrorOfTheSystemIsTold(t *testing.T) {
	s := newSpawner(t)
	for path, want := range map[string]error{"/nowhere": syscall.ENOENT, "/etc/passwd": syscall.EACCES} {
		if _, err := s.Start(Command{Path: path, Output: os.Stderr}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
}

// When Wait returns nothing is left, not even a zombie.
func TestDaemonEndsWithItsAncestor(t *testing.T) {
	s := newSpawner(t)
	p, daemon := startAndHear(t, s, "leave")
	p.Kill()
	p.Wait()
	if exists(daemon) {
		t.Error("it is still there")
	}
}

// The longest arm is that of the helper's own end.
func TestDaemonWithoutTagEndsWithTheSpawner(t *testing.T) {
	s := newSpawner(t)
	p, daemon := startAndHear(t, s, "escape")
	p.Kill()
	p.Wait()
	s.Stop()
	if exists(daemon) {
		t.Error("it is still there")
	}
}

// A long-lived function may leave daemons that end before it does.
func TestDaemonThatEndsIsReaped(t *testing.T) {
	_, daemon := startAndHear(t, newSpawner(t), "leave")
	syscall.Kill(daemon, syscall.SIGTERM)
	mustVanish(t, daemon)
}

func TestKilledHelperIsReplaced(t *testing.T) {
	s := newSpawner(t)
	p, daemon := startAndHear(t, s, "leave")
	s.helper.cmd.Process.Kill()
	if how := p.Wait(); how != "signal: killed" {
		t.Errorf("ended with %q", how)
	}
	mustVanish(t, p.pid)
	mustVanish(t, daemon)
	if how := start(t, s, "exit 7", os.Stderr).Wait(); how != "exit status 7" {
		t.Errorf("the next one ended with %q", how)
	}
}

// Signals that a terminal or a service manager sends to everybody are for the
// runtime to act on.
func TestHelperOutlivesSignals(t *testing.T) {
	s := newSpawner(t)
	p, pid := startAndHear(t, s, "stay")
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		s.helper.cmd.Process.Signal(signal)
	}
	if how := start(t, s, "exit 7", os.Stderr).Wait(); how != "exit status 7" || !exists(pid) {
		t.Errorf("the next one ended with %q", how)
	}
	// Its children do not inherit that.
	syscall.Kill(pid, syscall.SIGTERM)
	if how := p.Wait(); how != "signal: terminated" {
		t.Errorf("a terminated one ended with %q", how)
	}
}

// What else this process has started, brokers say, is not ours to kill.
func TestOthersLiveOn(t *testing.T) {
	s := newSpawner(t)
	p, _ := startAndHear(t, s, "stay")
	other := exec.Command(os.Args[0])
	other.Env = []string{"ROLE=leave"}
	said, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var daemon int
	if _, err := fmt.Fscan(said, &daemon); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer other.Process.Kill()
	defer syscall.Kill(daemon, syscall.SIGKILL)
	p.Kill()
	p.Wait()
	s.Stop()
	if !exists(other.Process.Pid) || !exists(daemon) || tagOf(daemon) != 0 {
		t.Error("they are gone, or have a tag")
	}
}

func TestStopBeforeAnything(t *testing.T) {
	var s Spawner
	s.Stop()
	s.Stop()
}
