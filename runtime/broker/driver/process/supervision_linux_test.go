package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"millrace/runtime/broker/brokertest"
	"millrace/test/needs"
	"millrace/test/patience"
)

// What is to be adopted outlives a runtime that is killed: nothing ties it to that but
// the record.
func TestNodesOutliveTheRuntime(t *testing.T) {
	needs.Time(t)
	data, programs := t.TempDir(), fake(t)[1]
	ports := brokertest.FreePorts(t, fakeEngine().Ports())
	amqp, epmd := ports[0].Public.String(), ports[1].Public.String()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	first := exec.Command(self, "fake-runtime", data, programs, amqp, epmd)
	first.Stderr = os.Stderr
	said, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(said).ReadString('\n'); line != "up\n" {
		t.Fatalf("it says %q", line)
	}
	d := open(t, Config{Data: data, Folders: []string{programs}})
	t.Cleanup(func() {
		if err := d.Remove(context.WithoutCancel(t.Context()), "m-1"); err != nil {
			t.Error(err)
		}
		d.Close()
		if all := left(t, data); len(all) > 0 {
			t.Errorf("left over: %q", all)
		}
	})
	main := recordOf(t, data, "m-1").Main
	shared, err := d.clusterFolder([]string{"m-1"}).read()
	if err != nil {
		t.Fatal(err)
	}
	for what, pid := range map[string]int{"the node": main.PID, "what members share": shared.Companion.PID} {
		apart(t, what, pid, first.Process.Pid)
	}

	first.Process.Kill()
	first.Wait()
	for what, id := range map[string]ident{"the node": main, "what members share": shared.Companion} {
		if start, running := startOf(id.PID); !running || start != id.Start {
			t.Errorf("%s has ended with the runtime", what)
		}
	}
	s, err := d.Find(t.Context(), "rabbitmq", "3.13", nil)
	if err != nil {
		t.Fatal(err)
	}
	i, err := d.Start(t.Context(), memberOfTwo(amqp, epmd), s)
	if err != nil || !i.Adopted() {
		t.Fatalf("starting what runs: %+v, %v", i, err)
	}
	if err := i.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	patience.For(t, "its end", i.Done(), nil)
}

// apart checks that a process has a session of its own, writes to a file, and is in the
// same namespaces as the runtime, where functions are not.
func apart(t *testing.T, what string, pid, runtime int) {
	t.Helper()
	proc := "/proc/" + strconv.Itoa(pid)
	for fd := 1; fd <= 2; fd++ {
		to, err := os.Readlink(fmt.Sprintf("%s/fd/%d", proc, fd))
		if err != nil || !strings.HasSuffix(to, "/"+outputFile) {
			t.Errorf("%s writes to %s, %v", what, to, err)
		}
	}
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if group, session := fields[2], fields[3]; group != strconv.Itoa(pid) || session != group {
		t.Errorf("%s (%d) is of group %s and session %s", what, pid, group, session)
	}
	if group, err := syscall.Getpgid(runtime); err != nil || group == pid {
		t.Errorf("%s is of the runtime's group: %v", what, err)
	}
	for _, name := range []string{"mnt", "net", "pid", "user"} {
		its, err := os.Readlink(proc + "/ns/" + name)
		ours, err2 := os.Readlink("/proc/self/ns/" + name)
		if its != ours || err != nil || err2 != nil {
			t.Errorf("%s is in the namespace %s, and the runtime in %s: %v, %v", what, its, ours, err, err2)
		}
	}
}
