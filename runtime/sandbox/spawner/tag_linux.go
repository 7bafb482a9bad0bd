package spawner

import (
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// rlimitLocks is RLIMIT_LOCKS, which has this number on all of Linux.
const rlimitLocks = 10

// A tag is the soft limit on file locks of a process and of all its descendants;
// 0 is none.
type tag uint64

func newTag() tag { return tag(rand.Uint64()>>2 | 1<<61) } // not to be met by chance, and not RLIM_INFINITY

// lend gives the tag to this process, for children to inherit, until the function
// that it returns takes it away. Where the limit cannot be set, as in gVisor,
// nothing happens: then a process ends with its group only.
func (t tag) lend() (takeBack func()) {
	var was unix.Rlimit
	if unix.Prlimit(0, rlimitLocks, nil, &was) != nil {
		return func() {}
	}
	is := was
	is.Cur = uint64(t)
	unix.Prlimit(0, rlimitLocks, &is, nil)
	return func() { unix.Prlimit(0, rlimitLocks, &was, nil) }
}

// tagOf is cheap: one system call.
func tagOf(pid int) tag {
	var limit unix.Rlimit
	if unix.Prlimit(pid, rlimitLocks, nil, &limit) != nil || limit.Cur == unix.RLIM_INFINITY {
		return 0
	}
	return tag(limit.Cur)
}

// census returns the ids of all tagged processes that we may see.
func census() map[tag][]int {
	all := map[tag][]int{}
	for _, pid := range processes() {
		if t := tagOf(pid); t != 0 {
			all[t] = append(all[t], pid)
		}
	}
	return all
}

// processes returns the ids of all processes; none where /proc is not mounted.
func processes() (pids []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// patience is how long to wait for killed processes to be gone. Only one that
// hangs in the kernel, on a dead network file system say, takes so long.
const patience = 3 * time.Second

// end kills all processes with the tag, and returns when none is left.
func (t tag) end() {
	giveUp := time.Now().Add(patience)
	for pause := 100 * time.Microsecond; time.Now().Before(giveUp); pause = min(2*pause, 10*time.Millisecond) {
		left := census()[t]
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			t.kill(pid)
		}
		time.Sleep(pause)
	}
}

// kill kills a process if it has the tag still: its id may have become another's.
func (t tag) kill(pid int) {
	p, err := os.FindProcess(pid) // holds on to the process by a pidfd
	if err != nil {
		return
	}
	defer p.Release()
	if tagOf(pid) == t {
		p.Kill()
	}
}
