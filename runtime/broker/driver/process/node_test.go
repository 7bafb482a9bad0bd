//go:build linux || darwin

package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
	"millrace/test/needs"
	"millrace/test/patience"
)

func TestDriverOfFakes(t *testing.T) {
	needs.Time(t)
	s := subject(fakeEngine(), fake(t))
	s.Running = "9.9.9"
	brokertest.Exercise(t, s)
}

// begin starts a fake node, which runs until the test is over.
func begin(t *testing.T, data string, env ...string) (*Driver, driver.Instance) {
	t.Helper()
	d := open(t, Config{Data: data, Folders: fake(t)})
	t.Cleanup(func() {
		if err := d.Remove(context.WithoutCancel(t.Context()), "n"); err != nil {
			t.Error(err)
		}
		d.Close()
		if all := left(t, data); len(all) > 0 {
			t.Errorf("left over: %q", all)
		}
	})
	s, err := d.Find(t.Context(), "rabbitmq", "3.13", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := driver.Node{Name: "n", Ports: brokertest.FreePorts(t, fakeEngine().Ports()), Render: func(p driver.Place) (driver.Launch, error) {
		l, err := renderFake(p)
		l.Env = append(l.Env, env...)
		return l, err
	}}
	i, err := d.Start(t.Context(), n, s)
	if err != nil {
		t.Fatal(err)
	}
	patience.For(t, "READY=1", i.Ready(), nil)
	return d, i
}

// On a full disk no node is started; one that runs is adopted.
func TestNoStartOnAFullDisk(t *testing.T) {
	needs.Time(t)
	d := open(t, Config{Data: t.TempDir(), Folders: fake(t)})
	t.Cleanup(func() {
		if err := d.Remove(context.WithoutCancel(t.Context()), "n"); err != nil {
			t.Error(err)
		}
		d.Close()
	})
	s, err := d.Find(t.Context(), "rabbitmq", "3.13", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := driver.Node{Name: "n", Ports: brokertest.FreePorts(t, fakeEngine().Ports()), Render: renderFake}
	full := fault.State(nil, "full")
	d.room = func(string) error { return full }
	if _, err := d.Start(t.Context(), n, s); !errors.Is(err, full) {
		t.Errorf("it was started: %v", err)
	}
	d.room = func(folder string) error {
		if folder != d.root {
			t.Errorf("the disk of %s was looked at, want that of %s", folder, d.root)
		}
		return nil
	}
	if _, err := d.Start(t.Context(), n, s); err != nil {
		t.Fatal(err)
	}
	d.room = func(string) error { return full }
	if adopted, err := d.Start(t.Context(), n, s); err != nil || !adopted.Adopted() {
		t.Errorf("it is not adopted: %v", err)
	}
}

func TestANodeThatHeedsNothingIsKilled(t *testing.T) {
	needs.Time(t)
	_, i := begin(t, t.TempDir(), "FAKE_STUBBORN=1")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := i.Stop(ctx); err != nil || i.Err() != nil {
		t.Errorf("%v, %v", err, i.Err())
	}
	patience.For(t, "its end", i.Done(), nil)
}

// What the software has put into a session of its own, as RabbitMQ does with its port
// mapper, ends with the node. On other systems than Linux it cannot be found.
func TestDaemonsEndWithTheNode(t *testing.T) {
	needs.Time(t)
	if runtime.GOOS != "linux" {
		t.Skip("daemons are not found here")
	}
	data := t.TempDir()
	_, i := begin(t, data, "FAKE_DAEMON=1")
	sleeps := func() bool {
		for _, l := range left(t, data) {
			if strings.Contains(l, "sleep") {
				return true
			}
		}
		return false
	}
	patience.Until(t, "the daemon", sleeps, nil)
	if err := i.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sleeps() {
		t.Error("the daemon runs on")
	}
}

// The path of a socket is short on all systems, that of a data folder need not be.
func TestReadinessIsHeardBelowALongAndStrangePath(t *testing.T) {
	needs.Time(t)
	data := filepath.Join(t.TempDir(), strings.Repeat("long ", 20), "it's \"$(here)\" ä")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	d, _ := begin(t, data)
	r := recordOf(t, data, "n")
	if r.Socket == "" {
		t.Fatalf("the socket is in %s", d.root)
	}
	if err := d.Remove(t.Context(), "n"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.Socket); !os.IsNotExist(err) {
		t.Errorf("the socket's folder: %v", err)
	}
}

// A process of the recorded number that has another start, or not the mark of the node,
// is somebody else's: nobody to signal or to adopt.
func TestProcessesOfTheSameNumberAreNotTaken(t *testing.T) {
	other := exec.Command("/bin/sleep", "3600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	d := open(t, Config{Data: t.TempDir(), Folders: []string{}})
	defer d.Close()
	f := d.folder("n")
	start, _ := startOf(other.Process.Pid)
	wrong := map[string]ident{"another start": {PID: other.Process.Pid, Start: "another"}}
	if runtime.GOOS == "linux" {
		wrong["no mark"] = ident{PID: other.Process.Pid, Start: start}
	}
	for name, wrong := range wrong {
		if _, err := f.claim("n"); err != nil {
			t.Fatal(err)
		}
		if err := f.write(record{Node: "n", Launch: "x", Main: wrong, Companion: wrong}); err != nil {
			t.Fatal(err)
		}
		if states, err := d.Nodes(t.Context()); err != nil || len(states) != 1 || states[0].Running {
			t.Errorf("%s: nodes: %+v, %v", name, states, err)
		}
		if err := d.Halt(t.Context(), "n"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := d.Remove(t.Context(), "n"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, running := startOf(other.Process.Pid); !running {
			t.Fatalf("%s: somebody else's process was ended", name)
		}
	}
}

// A process that has ended but was not waited for does not run.
func TestZombiesDoNotRun(t *testing.T) {
	pid, err := syscall.ForkExec("/bin/sleep", []string{"sleep", "3600"}, &syscall.ProcAttr{Env: []string{markVariable + "=/brokers/n"}})
	if err != nil {
		t.Fatal(err)
	}
	p := openChild(pid)
	defer p.close()
	if again := p.ident.open("n"); again == nil {
		t.Error("it does not run before it has ended")
	} else {
		again.close()
	}
	syscall.Kill(pid, syscall.SIGKILL)
	if !p.wait(nil, 0) {
		t.Fatal("the wait ended before the process")
	}
	if _, running := startOf(pid); running {
		t.Error("a zombie runs")
	}
	if p.ident.open("n") != nil {
		t.Error("a zombie can be adopted")
	}
}

func TestARecordThatCannotBeReadIsSaidSo(t *testing.T) {
	d := open(t, Config{Data: t.TempDir(), Folders: []string{}})
	defer d.Close()
	f := d.folder("n")
	if _, err := f.claim("n"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path(recordFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(t.Context(), "n"); fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), string(f)) {
		t.Errorf("removing: %v", err)
	}
}

// Links in the folder of a node do not make the runtime write elsewhere.
func TestFilesAreWrittenInsideTheFolder(t *testing.T) {
	d := open(t, Config{Data: t.TempDir(), Folders: []string{}})
	defer d.Close()
	f := d.folder("n")
	if _, err := f.claim("n"); err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	if err := os.Symlink(outside, f.path("home")); err != nil {
		t.Fatal(err)
	}
	p := f.place(driver.Node{}, driver.Software{})
	if err := f.writeFiles(p, []driver.File{{Path: filepath.Join(p.Home, "x"), Mode: 0o600}}); err == nil {
		t.Error("a link was followed")
	}
	if entries, _ := os.ReadDir(outside); len(entries) > 0 {
		t.Errorf("written outside: %v", entries)
	}
}

func TestOutputIsSetAsideWhenItIsLarge(t *testing.T) {
	d := open(t, Config{Data: t.TempDir(), Folders: []string{}})
	defer d.Close()
	f := d.folder("n")
	if _, err := f.claim("n"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path(outputFile), bytes.Repeat([]byte("old\n"), maxOutput/4+1), 0o600); err != nil {
		t.Fatal(err)
	}
	w, begin, err := f.output()
	if err != nil || begin != 0 {
		t.Fatalf("begins at %d, %v", begin, err)
	}
	w.WriteString("new\n")
	w.Close()
	w, begin, err = f.output()
	if err != nil || begin != 4 {
		t.Fatalf("goes on at %d, %v", begin, err)
	}
	w.WriteString("newer\n")
	w.Close()
	if got := f.lastLines(begin); got != "newer" {
		t.Errorf("last lines: %q", got)
	}
}

// A node that runs for months does not fill the disk with what it prints.
func TestOutputIsSetAsideWhileTheNodeRuns(t *testing.T) {
	d := open(t, Config{Data: t.TempDir(), Folders: []string{}})
	defer d.Close()
	f := d.folder("n")
	if _, err := f.claim("n"); err != nil {
		t.Fatal(err)
	}
	w, _, err := f.output()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.WriteString("a start before\n")
	begin, _ := w.Seek(0, io.SeekCurrent)
	w.Write(bytes.Repeat([]byte("old\n"), maxOutput/4+1))
	if err := f.boundOutput(); err != nil {
		t.Fatal(err)
	}
	w.WriteString("new\n") // as what has the file open goes on
	if err := f.boundOutput(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(f.path(outputFile)); string(b) != "new\n" {
		t.Errorf("the output is %.40q, %v", b, err)
	}
	if b, err := os.ReadFile(f.path(oldOutput)); !bytes.HasPrefix(b, []byte("a start before\nold\n")) || len(b) <= maxOutput {
		t.Errorf("set aside are %d bytes, %v", len(b), err)
	}
	if got := f.lastLines(begin); got != "new" {
		t.Errorf("last lines: %q", got)
	}
}

// A command beside a node that is over would start its port mapper again, for nobody.
func TestNothingRunsBesideANodeThatIsOver(t *testing.T) {
	needs.Time(t)
	data := t.TempDir()
	_, i := begin(t, data)
	if err := i.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Exec(t.Context(), nil, "rabbitmqctl", "keep", "late"); fault.Of(err) != fault.Unavailable {
		t.Errorf("a command: %v", err)
	}
}

func TestWhatIsNotTheEngineIsPassedOver(t *testing.T) {
	folders := fake(t)
	if err := os.RemoveAll(filepath.Join(folders[1], "..", "plugins")); err != nil {
		t.Fatal(err)
	}
	if _, err := find("rabbitmq", folders); fault.Of(err) != fault.NotFound || !strings.Contains(err.Error(), "install") {
		t.Errorf("a wrapper: %v", err)
	}
	t.Setenv("RABBITMQ_HOME", filepath.Dir(fake(t)[1]))
	if s, err := find("rabbitmq", nil); err != nil || s.Version != "9.9.9" {
		t.Errorf("RABBITMQ_HOME: %+v, %v", s, err)
	}
}
