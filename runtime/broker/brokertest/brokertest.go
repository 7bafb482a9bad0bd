// Package brokertest is the conformance kit of drivers: what package driver promises,
// proven on real software.
//
//	brokertest.Exercise(t, brokertest.Subject{Engine: brokertest.RabbitMQ(), Version: "3.13", Open: …})
package brokertest

import (
	"context"
	"errors"
	"net"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// A Subject is a driver, and the means to look at what it does from outside.
type Subject struct {
	Engine  Engine
	Version string // of the catalogue: "3.13"
	Running string // the software that must be found for it: "3.10.8"; "" for any

	// Open returns a driver on a data folder. Another one on the same folder is what a
	// later runtime would have.
	Open func(t *testing.T, data string) driver.Driver

	// Absent returns a driver that cannot find the software.
	Absent func(t *testing.T, data string) driver.Driver

	// Kill kills the main process of a node, as somebody else might (SIGKILL).
	Kill func(t *testing.T, data, node string)

	// Left lists all that is left of a data folder's nodes, and of no other's.
	Left func(t *testing.T, data string) []string

	// Foreign puts something that no driver has made where a node's would be. What it
	// returns reports that it is not there anymore as it was.
	Foreign func(t *testing.T, data, node string) (touched func() error)

	// Alone leaves clusters out, which take long: another subject of the driver has them.
	Alone bool

	// Until waits until so is true, and fails the test when nothing moves for too long.
	Until func(t testing.TB, what string, so func() bool)
}

const node = "b-0c9e5ba5-4f3b-4a4e-9e8e-1f1d0c0b0a09-1"

// Exercise runs the kit, all of it at once: nodes that boot mostly wait.
func Exercise(t *testing.T, s Subject) {
	for name, test := range map[string]func(*testing.T){
		"Life": s.life, "Adopted": s.adopted, "DiesBooting": s.diesBooting, "PortTaken": s.portTaken,
		"Absent": s.absent, "Foreign": s.foreign, "Hostile": s.hostile, "SideBySide": s.sideBySide, "Cluster": s.cluster,
	} {
		if name == "Cluster" && s.Alone {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// bench is a driver on a data folder of its own, with the software found.
type bench struct {
	*testing.T
	Subject
	data     string
	driver   driver.Driver
	software driver.Software
}

func (s Subject) bench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, Subject: s, data: t.TempDir()}
	b.open()
	t.Cleanup(func() { // of what a failed test leaves
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		states, _ := b.driver.Nodes(ctx)
		for _, state := range states {
			b.driver.Remove(ctx, state.Node)
		}
		if err := b.driver.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return b
}

// open is for a new driver, as a new runtime has; the old one must be closed.
func (b *bench) open() {
	b.Helper()
	b.driver = b.Open(b.T, b.data)
	if err := b.driver.Check(b.Context()); err != nil {
		b.Fatalf("check: %v", err)
	}
	var err error
	if b.software, err = b.driver.Find(b.Context(), b.Engine.Name, b.Version, func(line string) { b.Log(line) }); err != nil {
		b.Fatalf("finding the software: %v", err)
	}
	if got := b.software; got.Engine != b.Engine.Name || got.Version == "" || got.Source == "" || b.Running != "" && got.Version != b.Running {
		b.Fatalf("found %+v, want version %q", got, b.Running)
	}
}

func (b *bench) node(name string) driver.Node {
	return driver.Node{
		Name: name, Labels: map[string]string{"broker": "it's \"quoted\"\n$(id) ä", "data": "elsewhere"},
		Ports: FreePorts(b, b.Engine.Ports()), Render: b.Engine.Render,
	}
}

func (b *bench) start(n driver.Node) driver.Instance {
	b.Helper()
	i, err := b.driver.Start(b.Context(), n, b.software)
	if err != nil {
		b.Fatalf("starting: %v", err)
	}
	return i
}

func (b *bench) serves(n driver.Node, i driver.Instance) {
	b.Helper()
	var last error
	b.Until(b, "the node serves", func() bool {
		if over(i.Done()) {
			b.Fatalf("it ended: %v", i.Err())
		}
		last = b.Engine.Serves(n.Ports[0].Public)
		return last == nil
	})
	b.Until(b, "the node says that it is ready", func() bool { return over(i.Ready()) })
}

func over(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (b *bench) silent(n driver.Node) {
	b.Helper()
	for _, p := range n.Ports {
		if c, err := net.Dial("tcp", p.Public.String()); err == nil {
			c.Close()
			b.Errorf("something listens at %s (%s) still", p.Public, p.Name)
		}
	}
}

func (b *bench) stop(i driver.Instance) {
	b.Helper()
	if err := i.Stop(b.Context()); err != nil {
		b.Fatalf("stopping: %v", err)
	}
	if !over(i.Done()) {
		b.Error("it was stopped, but is not done")
	}
	if err := i.Err(); err != nil {
		b.Errorf("it was stopped, but says: %v", err)
	}
}

func (b *bench) keep(i driver.Instance, name string) {
	b.Helper()
	if err := b.Engine.Keep(b.Context(), i, name); err != nil {
		b.Fatalf("keeping %s: %v", name, err)
	}
}

func (b *bench) kept(i driver.Instance, name string, want bool) {
	b.Helper()
	got, err := b.Engine.Kept(b.Context(), i, name)
	if got != want || err != nil {
		b.Fatalf("%s is kept: %v, %v; want %v", name, got, err, want)
	}
}

func (b *bench) removed() {
	b.Helper()
	if err := b.driver.Remove(b.Context(), node); err != nil {
		b.Fatalf("removing: %v", err)
	}
	b.nothingLeft()
}

func (b *bench) nothingLeft() {
	b.Helper()
	if left := b.Left(b.T, b.data); len(left) > 0 {
		b.Errorf("left over: %q", left)
	}
	if states, err := b.driver.Nodes(b.Context()); len(states) > 0 || err != nil {
		b.Errorf("nodes: %v, %v", states, err)
	}
}

func (b *bench) running(want bool) {
	b.Helper()
	states, err := b.driver.Nodes(b.Context())
	if err != nil || len(states) != 1 || states[0].Node != node || states[0].Running != want || states[0].Where == "" {
		b.Errorf("nodes: %+v, %v; want one that runs: %v", states, err, want)
	}
}

func (b *bench) died(i driver.Instance) {
	b.Helper()
	b.Until(b, "the node's end is told", func() bool { return over(i.Done()) })
	if i.Err() == nil {
		b.Error("nobody says why it ended")
	}
}

// A node starts, stops and starts again, is killed and starts again, and goes.
func (s Subject) life(t *testing.T) {
	b := s.bench(t)
	n := b.node(node)
	i := b.start(n)
	if i.Adopted() {
		b.Error("a new node is adopted")
	}
	b.serves(n, i)
	b.running(true)
	b.keep(i, "first")
	b.kept(i, "never", false)

	out, err := i.Exec(b.Context(), strings.NewReader("a secret\n"), "/bin/cat")
	if string(out) != "a secret\n" || err != nil {
		b.Errorf("a command that was told %q: %q, %v", "a secret", out, err)
	}
	if _, err = i.Exec(b.Context(), nil, "/bin/cat", "/no/such file"); err == nil || !strings.Contains(err.Error(), "/no/such file") {
		b.Errorf("a command that fails: %v", err)
	}
	if _, err = i.Exec(b.Context(), nil, "no-such-program"); err == nil {
		b.Error("a command that is not there succeeds")
	}
	late, cancel := context.WithTimeout(b.Context(), 100*time.Millisecond)
	_, err = i.Exec(late, nil, "/bin/sleep", "600")
	if cancel(); fault.Of(err) != fault.Timeout {
		b.Errorf("a command that takes too long: %v", err)
	}

	if _, err := b.driver.Log(b.Context(), "b-nobody", false); fault.Of(err) != fault.NotFound {
		b.Errorf("the log of nobody: %v", err)
	}
	b.logged(1)
	followed := b.follow()
	followed.sees(1)

	b.stop(i)
	b.running(false)
	b.silent(n)
	b.stop(i) // of what is over does nothing

	b.logged(1) // although it does not run
	i = b.start(n)
	b.serves(n, i)
	followed.sees(2)
	b.logged(2)
	b.kept(i, "first", true)
	b.keep(i, "second")
	b.Kill(b.T, b.data, node)
	b.died(i)
	b.running(false)
	b.silent(n)
	if err := i.Stop(b.Context()); err != nil {
		b.Errorf("stopping what has died: %v", err)
	}

	i = b.start(n)
	if i.Adopted() {
		b.Error("a dead node is adopted")
	}
	b.kept(i, "first", true)
	b.kept(i, "second", true)
	followed.sees(3)
	b.removed() // while it runs
	followed.ends()
	b.Until(b, "the end of what was removed", func() bool { return over(i.Done()) })
	b.silent(n)
	b.removed() // what is not there
	if err := b.driver.Halt(b.Context(), node); err != nil {
		b.Errorf("halting what is not there: %v", err)
	}
}

// What an earlier runtime has left running goes on, unless something else should run.
func (s Subject) adopted(t *testing.T) {
	b := s.bench(t)
	n := b.node(node)
	seed := func(text string) func(driver.Place) (driver.Launch, error) {
		return func(p driver.Place) (driver.Launch, error) {
			l, err := b.Engine.Render(p)
			l.Files = append(l.Files, driver.File{Path: path.Join(p.Config, "seed"), Contents: []byte(text), Mode: 0o600, Seed: true})
			return l, err
		}
	}
	n.Render = seed("first")
	b.serves(n, b.start(n))
	reopen := func() {
		b.Helper()
		if err := b.driver.Close(); err != nil {
			b.Fatalf("closing: %v", err)
		}
		b.open()
	}

	reopen()
	b.running(true)
	n.Render = seed("second") // does not count
	i := b.start(n)
	if !i.Adopted() {
		b.Fatal("it was not adopted")
	}
	b.serves(n, i)
	b.keep(i, "name")
	if over(i.Done()) {
		b.Fatalf("adopted, it is over: %v", i.Err())
	}
	if again := b.start(n); !again.Adopted() {
		b.Error("a node that runs was started twice")
	}

	// Another launch: anew, on the same data.
	changed := n
	changed.Render = func(p driver.Place) (driver.Launch, error) {
		l, err := b.Engine.Render(p)
		l.Env = append(l.Env, "KIT=changed")
		return l, err
	}
	was := i
	i = b.start(changed)
	if i.Adopted() {
		b.Fatal("a changed launch was adopted")
	}
	b.Until(b, "the end of the earlier launch", func() bool { return over(was.Done()) })
	b.serves(changed, i)
	b.kept(i, "name", true)
	out, err := i.Exec(b.Context(), nil, "/bin/sh", "-c", "echo $KIT")
	if !strings.Contains(string(out), "changed") {
		b.Errorf("a command beside the node does not see its environment: %q, %v", out, err)
	}

	// One that dies once it was adopted.
	reopen()
	if i = b.start(changed); !i.Adopted() {
		b.Error("it was not adopted")
	}
	b.Kill(b.T, b.data, node)
	b.died(i)

	// One that nobody starts anymore.
	b.serves(changed, b.start(changed))
	reopen()
	if err := b.driver.Halt(b.Context(), node); err != nil {
		b.Errorf("halting: %v", err)
	}
	b.running(false)
	b.silent(n)
	i = b.start(changed)
	b.kept(i, "name", true)
	reopen()
	b.removed()
	b.silent(n)
}

func (s Subject) diesBooting(t *testing.T) {
	b := s.bench(t)
	n := b.node(node)
	n.Render = func(p driver.Place) (driver.Launch, error) {
		l, err := b.Engine.Render(p)
		b.Engine.Broken(p, &l)
		return l, err
	}
	i := b.start(n)
	b.died(i)
	if text := i.Err().Error(); !strings.Contains(text, "exit code") || !strings.Contains(text, "last lines") {
		b.Errorf("why it died: %v", text)
	}
	b.running(false)
	if states := b.Left(b.T, b.data); len(states) == 0 {
		b.Error("the kit sees nothing of a node that is there")
	}

	unrendered := errors.New("cannot be rendered")
	n.Render = func(driver.Place) (driver.Launch, error) { return driver.Launch{}, unrendered }
	if _, err := b.driver.Start(b.Context(), n, b.software); !errors.Is(err, unrendered) {
		b.Errorf("starting what cannot be rendered: %v", err)
	}

	// It starts once the launch is right.
	n.Render = b.Engine.Render
	b.start(n)
	b.running(true)
	b.removed()
}

func (s Subject) portTaken(t *testing.T) {
	b := s.bench(t)
	n := b.node(node)
	taken, err := net.Listen("tcp", n.Ports[0].Public.String())
	if err != nil {
		b.Fatal(err)
	}
	_, err = b.driver.Start(b.Context(), n, b.software)
	if fault.Of(err) != fault.Conflict {
		b.Errorf("starting on a port that is taken: %v", err)
	}
	states, err := b.driver.Nodes(b.Context())
	if slices.ContainsFunc(states, func(s driver.State) bool { return s.Running }) || err != nil {
		b.Errorf("it runs all the same: %v, %v", states, err)
	}
	taken.Close()
	b.start(n)
	b.running(true)
	b.removed()
}

func (s Subject) absent(t *testing.T) {
	d := s.Absent(t, t.TempDir())
	defer d.Close()
	_, err := d.Find(t.Context(), s.Engine.Name, s.Version, func(string) {})
	if fault.Of(err) != fault.NotFound {
		t.Errorf("finding what is not there: %v", err)
	}
	if _, err := d.Find(t.Context(), "no-such-engine", s.Version, func(string) {}); fault.Of(err) != fault.NotFound {
		t.Errorf("finding an engine that nobody knows: %v", err)
	}
}

func (s Subject) foreign(t *testing.T) {
	b := s.bench(t)
	touched := b.Foreign(b.T, b.data, node)
	n := b.node(node)
	if _, err := b.driver.Start(b.Context(), n, b.software); fault.Of(err) != fault.Conflict {
		b.Errorf("starting where something else is: %v", err)
	}
	if err := b.driver.Halt(b.Context(), node); err != nil {
		b.Errorf("halting: %v", err)
	}
	if err := b.driver.Remove(b.Context(), node); err != nil {
		b.Errorf("removing: %v", err)
	}
	if err := touched(); err != nil {
		b.Errorf("it was touched: %v", err)
	}
}

func (s Subject) hostile(t *testing.T) {
	b := s.bench(t)
	for _, name := range []string{"", "..", "../x", "a/b", "A", "-v", "a b", "$(id)", strings.Repeat("a", 51)} {
		n := b.node(name)
		if _, err := b.driver.Start(b.Context(), n, b.software); fault.Of(err) != fault.Invalid {
			b.Errorf("starting %q: %v", name, err)
		}
		if err := b.driver.Remove(b.Context(), name); fault.Of(err) != fault.Invalid {
			b.Errorf("removing %q: %v", name, err)
		}
		if err := b.driver.Halt(b.Context(), name); fault.Of(err) != fault.Invalid {
			b.Errorf("halting %q: %v", name, err)
		}
	}
	for _, outside := range []string{"/etc/passwd", "../x", "config/../../x"} {
		n := b.node(node)
		n.Render = func(p driver.Place) (driver.Launch, error) {
			l, err := b.Engine.Render(p)
			l.Files = append(l.Files, driver.File{Path: outside, Contents: []byte("x"), Mode: 0o600})
			return l, err
		}
		if _, err := b.driver.Start(b.Context(), n, b.software); fault.Of(err) != fault.Invalid {
			b.Errorf("writing %q: %v", outside, err)
		}
	}
	b.nothingLeft()

	const name, contents = "sub/it's -rf \"$(id)\"\n;ä", "\x00\xff'\"\r\n$(id)`id` {{x}} \\ "
	n := b.node(node)
	var at string
	n.Render = func(p driver.Place) (driver.Launch, error) {
		l, err := b.Engine.Render(p)
		at = path.Join(p.Config, name)
		l.Files = append(l.Files, driver.File{Path: at, Contents: []byte(contents), Mode: 0o600})
		l.Env = append(l.Env, "HOSTILE="+"'\"$(id)`id`\nX=y\\")
		return l, err
	}
	i := b.start(n)
	if out, err := i.Exec(b.Context(), nil, "/bin/cat", at); string(out) != contents || err != nil {
		b.Errorf("the file %q has %q, %v", at, out, err)
	}
	if out, err := i.Exec(b.Context(), nil, "/bin/sh", "-c", "printf %s \"$HOSTILE\""); string(out) != "'\"$(id)`id`\nX=y\\" || err != nil {
		b.Errorf("the environment has %q, %v", out, err)
	}
	b.removed()
}

// Nodes of one data folder, and of two, know nothing of each other.
func (s Subject) sideBySide(t *testing.T) {
	b, other := s.bench(t), s.bench(t)
	n1, n2, n3 := b.node(node), b.node("b-two-1"), other.node(node)
	i1, i2, i3 := b.start(n1), b.start(n2), other.start(n3)
	b.keep(i1, "of-one")
	b.kept(i2, "of-one", false)
	other.kept(i3, "of-one", false)
	states, err := b.driver.Nodes(b.Context())
	if len(states) != 2 || err != nil {
		b.Errorf("nodes: %v, %v", states, err)
	}
	if err := b.driver.Remove(b.Context(), node); err != nil {
		b.Errorf("removing: %v", err)
	}
	b.kept(i2, "of-one", false) // it runs on
	other.running(true)
	if err := b.driver.Remove(b.Context(), "b-two-1"); err != nil {
		b.Errorf("removing: %v", err)
	}
	b.nothingLeft()
	other.removed()
}
