//go:build linux || darwin

package process

import (
	"context"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
	"millrace/test/needs"
	"millrace/test/patience"
)

// members are fake nodes of a cluster, which share a port mapper.
type members struct {
	*testing.T
	data  string
	d     *Driver
	s     driver.Software
	nodes []driver.Node
}

func newMembers(t *testing.T, names ...string) *members {
	needs.Time(t)
	m := &members{T: t, data: t.TempDir()}
	folders := fake(t)
	m.d = open(t, Config{Data: m.data, Folders: folders})
	t.Cleanup(func() {
		for _, n := range names {
			if err := m.d.Remove(context.WithoutCancel(t.Context()), n); err != nil {
				t.Error(err)
			}
		}
		m.d.Close()
		if all := left(t, m.data); len(all) > 0 {
			t.Errorf("left over: %q", all)
		}
	})
	var err error
	if m.s, err = m.d.Find(t.Context(), "rabbitmq", "3.13", nil); err != nil {
		t.Fatal(err)
	}
	var mapper driver.Port
	for i, name := range names {
		ports := brokertest.FreePorts(t, fakeEngine().Ports())
		if i == 0 {
			mapper = ports[1]
			mapper.Shared = true
		}
		ports[1] = mapper
		m.nodes = append(m.nodes, driver.Node{Name: name, Members: names, Ports: ports, Render: renderFake})
	}
	return m
}

func (m *members) start(i int) driver.Instance {
	m.Helper()
	instance, err := m.d.Start(m.Context(), m.nodes[i], m.s)
	if err != nil {
		m.Fatal(err)
	}
	patience.For(m, "READY=1", instance.Ready(), nil)
	return instance
}

func (m *members) reopen() {
	m.Helper()
	folders := m.d.folders
	if err := m.d.Close(); err != nil {
		m.Fatal(err)
	}
	m.d = open(m.T, Config{Data: m.data, Folders: folders})
}

func (m *members) mapperAt() string { return m.nodes[0].Ports[1].Public.String() }

func (m *members) mapperListens() bool {
	c, err := net.Dial("tcp", m.mapperAt())
	if err == nil {
		c.Close()
	}
	return err == nil
}

// mapperIsGone reports that no port mapper runs or listens: one that was killed is no
// process anymore a moment before it lets go of its port.
func (m *members) mapperIsGone() bool { return len(m.mappers()) == 0 && !m.mapperListens() }

// mappers are the processes of port mappers.
func (m *members) mappers() (pids []int) {
	for _, l := range left(m.T, m.data) {
		if number, command, _ := strings.Cut(l, " "); strings.Contains(command, "fake-epmd") {
			pid, _ := strconv.Atoi(number)
			pids = append(pids, pid)
		}
	}
	return pids
}

// mapper is the one port mapper there is, once it listens.
func (m *members) mapper() int {
	m.Helper()
	patience.Until(m, "the port mapper listens", m.mapperListens, nil)
	all := m.mappers()
	if len(all) != 1 {
		m.Fatalf("port mappers: %v, want one", all)
	}
	return all[0]
}

func onLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are not found by what they carry here")
	}
}

func TestMembersShareOneCompanion(t *testing.T) {
	onLinux(t)
	m := newMembers(t, "m-1", "m-2")
	one := m.start(0)
	m.start(1)
	first := m.mapper()

	// Who has started it is killed.
	syscall.Kill(recordOf(t, m.data, "m-1").Main.PID, syscall.SIGKILL)
	patience.For(t, "its end", one.Done(), nil)
	if m.mapper() != first {
		t.Error("it did not outlive the member that has started it")
	}
	m.start(0)
	if m.mapper() != first {
		t.Error("it was started anew with a member")
	}

	// A later runtime adopts it, whichever member comes first.
	m.reopen()
	two := m.start(1)
	if !two.Adopted() {
		t.Error("the member was not adopted")
	}
	if m.mapper() != first {
		t.Error("it was not adopted")
	}

	// It ends with the last member, also with one that this runtime does not watch.
	if err := two.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m.mapper() != first {
		t.Error("it did not outlive a member's end")
	}
	if err := m.d.Halt(t.Context(), "m-1"); err != nil {
		t.Fatal(err)
	}
	if all := m.mappers(); len(all) > 0 {
		t.Errorf("it outlives the last member: %v", all)
	}

	// The next start brings up another one.
	m.start(0)
	if m.mapper() == first {
		t.Error("the old one is back")
	}
}

func TestACompanionThatDiesIsStartedAnew(t *testing.T) {
	onLinux(t)
	m := newMembers(t, "m-1", "m-2")
	one := m.start(0)
	m.start(1)
	for range 2 {
		dead := m.mapper()
		syscall.Kill(dead, syscall.SIGKILL)
		patience.Until(t, "another one", func() bool { all := m.mappers(); return len(all) == 1 && all[0] != dead }, nil)
	}
	select {
	case <-one.Done():
		t.Errorf("a member went with it: %v", one.Err())
	default:
	}

	// While no runtime is there.
	dead := m.mapper()
	m.d.Close()
	syscall.Kill(dead, syscall.SIGKILL)
	patience.Until(t, "its end", m.mapperIsGone, nil)
	m.d = open(t, Config{Data: m.data, Folders: m.d.folders})
	m.start(0)
	m.mapper()
}

// Erlang starts a port mapper when it misses one. That of a member would end with it.
func TestACompanionThatAMemberHasStartedIsReplaced(t *testing.T) {
	onLinux(t)
	m := newMembers(t, "m-1", "m-2")
	m.start(0)
	ours := m.mapper()
	m.d.Close()
	syscall.Kill(ours, syscall.SIGKILL)
	patience.Until(t, "its end", m.mapperIsGone, nil)
	stray := exec.Command(m.s.Programs["epmd"], m.mapperAt())
	stray.Env = append(os.Environ(), markVariable+"="+string(m.d.folder("m-1")))
	if err := stray.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { defer close(gone); stray.Wait() }()
	m.mapper()

	m.d = open(t, Config{Data: m.data, Folders: m.d.folders})
	if i := m.start(0); !i.Adopted() {
		t.Error("the member was not adopted")
	}
	patience.For(t, "the end of the member's", gone, nil)
	m.start(1)
	if err := m.d.Remove(t.Context(), "m-1"); err != nil {
		t.Fatal(err)
	}
	m.mapper()
}

func TestASharedPortThatIsTakenIsSaidSo(t *testing.T) {
	m := newMembers(t, "m-1", "m-2")
	l, err := net.Listen("tcp", m.mapperAt())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.d.Start(t.Context(), m.nodes[0], m.s); fault.Of(err) != fault.Conflict {
		t.Errorf("starting: %v", err)
	}
	l.Close()
	m.start(0)
	ours := m.mapper() // a member may be ready a moment before the mapper listens
	l2, err := net.Listen("tcp", m.nodes[1].Ports[0].Public.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l2.Close()
	if _, err := m.d.Start(t.Context(), m.nodes[1], m.s); fault.Of(err) != fault.Conflict {
		t.Errorf("starting the second member: %v", err)
	}
	if now := m.mapper(); now != ours {
		t.Errorf("port mapper %d has taken the place of %d when a member could not start", now, ours)
	}
}

// What a killed runtime has left of a cluster is listed, and goes with Remove.
func TestLeftoversOfClustersAreListed(t *testing.T) {
	onLinux(t)
	m := newMembers(t, "m-1", "m-2")
	m.start(0)
	mapper := m.mapper()
	m.d.Close()
	syscall.Kill(recordOf(t, m.data, "m-1").Main.PID, syscall.SIGKILL)
	m.d = open(t, Config{Data: m.data, Folders: m.d.folders})
	listed := func() (running []string) {
		states, err := m.d.Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range states {
			if s.Running {
				running = append(running, s.Where)
			}
		}
		return running
	}
	patience.Until(t, "the port mapper alone is listed", func() bool {
		all := listed()
		return len(all) == 1 && strings.Contains(all[0], strconv.Itoa(mapper))
	}, func() any { return listed() })

	if err := os.RemoveAll(string(m.d.folder("m-1"))); err != nil {
		t.Fatal(err)
	}
	states, err := m.d.Nodes(t.Context())
	if err != nil || len(states) != 1 || states[0].Node != "m-1" {
		t.Fatalf("nodes: %+v, %v", states, err)
	}
	if err := m.d.Remove(t.Context(), states[0].Node); err != nil {
		t.Fatal(err)
	}
	if all := left(t, m.data); len(all) > 0 {
		t.Errorf("left over: %q", all)
	}
}

func TestFoldersOfClustersThatAreNotOursStay(t *testing.T) {
	m := newMembers(t, "m-1", "m-2")
	f := m.d.clusterFolder(m.nodes[0].Members)
	if err := os.MkdirAll(f.path("somebody"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := m.d.Start(t.Context(), m.nodes[0], m.s); fault.Of(err) != fault.Conflict {
		t.Errorf("starting: %v", err)
	}
	if err := m.d.Remove(t.Context(), "m-1"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(f.path("somebody")); err != nil {
		t.Errorf("it was touched: %v", err)
	}
	if err := os.RemoveAll(string(f.folder)); err != nil {
		t.Fatal(err)
	}
	os.Remove(m.d.root)
	if all := left(t, m.data); slices.ContainsFunc(all, func(s string) bool { return s != "brokers" }) {
		t.Errorf("left over: %q", all)
	}
}

// Somebody else may listen at the port of the companion when its members are adopted.
func TestACompanionIsTriedAgain(t *testing.T) {
	onLinux(t)
	m := newMembers(t, "m-1")
	m.start(0)
	dead := m.mapper()
	m.d.Close()
	syscall.Kill(dead, syscall.SIGKILL)
	patience.Until(t, "its end", m.mapperIsGone, nil)
	var other net.Listener
	patience.Until(t, "its port to be free", func() (so bool) {
		l, err := net.Listen("tcp", m.mapperAt())
		other = l
		return err == nil
	}, nil)
	m.d = open(t, Config{Data: m.data, Folders: m.d.folders})
	if i := m.start(0); !i.Adopted() {
		t.Error("the member was not adopted")
	}
	other.Close()
	m.mapper()
}
