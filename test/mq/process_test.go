package mq

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"millrace/test/patience"
)

// pid is the process of the broker's first node; 0 when it has none.
func (b *broker) pid() int {
	b.Helper()
	pid, _ := strconv.Atoi(b.nodes()[0])
	return pid
}

func (b *broker) folder() string { return filepath.Join(b.data, "brokers", b.id+"-1") }

// kill ends the broker's process as the kernel would.
func (b *broker) kill() {
	b.Helper()
	if err := syscall.Kill(b.pid(), syscall.SIGKILL); err != nil {
		b.Fatal(err)
	}
}

// awaitDurable waits until the broker's first node has a queue on its disk. RabbitMQ 3
// keeps up to two seconds of its metadata in memory (write_cache of Erlang's disk_log),
// and one that is killed meanwhile has never heard of a durable queue.
func (b *broker) awaitDurable(queue string) {
	b.Helper()
	patience.Until(b, "the metadata of "+queue+" on disk", func() bool {
		if b.inDocker() {
			return b.docker("exec", strings.Fields(b.container())[0], "sh", "-c", `grep -l "$0" "$RABBITMQ_MNESIA_DIR"/*.[DL]* || true`, queue) != ""
		}
		files, _ := filepath.Glob(filepath.Join(b.folder(), "data", "mnesia", "*.[DL]*"))
		return slices.ContainsFunc(files, func(name string) bool {
			text, err := os.ReadFile(name)
			return err == nil && bytes.Contains(text, []byte(queue))
		})
	}, nil)
}

// eval has the broker evaluate an Erlang term, in the environment of its process.
func (b *broker) eval(term string) string {
	b.Helper()
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", b.pid()))
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "/usr/lib/rabbitmq/bin/rabbitmqctl", "eval", term)
	cmd.Env = strings.Split(strings.TrimRight(string(env), "\x00"), "\x00")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("eval: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// processes are those of the broker.
func (b *broker) processes() []string { return marked(b.folder()) }

// marked finds the processes of nodes whose folder begins so, by the mark that all of
// them carry.
func marked(folder string) (all []string) {
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, e := range entries {
		if env, err := os.ReadFile(e); err == nil && bytes.Contains(env, []byte("MILLRACE_NODE="+folder)) {
			all = append(all, e)
		}
	}
	return all
}

// gone checks that nothing is left of a broker that was deleted: no process, no folder,
// nobody at its ports.
func (b *broker) gone(addresses ...string) {
	b.Helper()
	if left := b.processes(); len(left) > 0 {
		b.Errorf("left: %v", left)
	}
	if _, err := os.Lstat(b.folder()); !os.IsNotExist(err) {
		b.Errorf("left: %s (%v)", b.folder(), err)
	}
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			b.Error(err)
			continue
		}
		l.Close()
	}
}

// A sentry reads the arguments of all processes, over and over, for what must not be there.
type sentry struct {
	found []string // in the arguments of which program; for after stop
	stop  func()
}

func watchArguments(secrets ...string) *sentry {
	w := &sentry{}
	halt, over := make(chan struct{}), make(chan struct{})
	w.stop = func() { close(halt); <-over }
	go func() {
		defer close(over)
		limit := patience.New("", nil)
		for {
			entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, e := range entries {
				line, err := os.ReadFile(e)
				if err != nil {
					continue
				}
				for _, s := range secrets {
					if bytes.Contains(line, []byte(s)) {
						program, _, _ := strings.Cut(string(line), "\x00")
						w.found = append(w.found, program)
					}
				}
			}
			select {
			case <-halt:
				return
			case <-limit.Turn():
			}
		}
	}()
	return w
}

// readable lists the files below a folder that anybody on the machine can read, and that
// have a secret in them.
func readable(dir string, secrets ...string) (all []string) {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		info, infoErr := os.Lstat(path)
		if err != nil || infoErr != nil {
			return nil
		}
		switch {
		case e.IsDir() && info.Mode().Perm()&0o011 == 0:
			return fs.SkipDir // nobody gets in
		case info.Mode().IsRegular() && info.Mode().Perm()&0o044 != 0:
			text, _ := os.ReadFile(path)
			for _, s := range secrets {
				if bytes.Contains(text, []byte(s)) {
					all = append(all, path)
					break
				}
			}
		}
		return nil
	})
	return all
}
