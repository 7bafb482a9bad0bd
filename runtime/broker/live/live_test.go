package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/broker/live"
	"millrace/runtime/broker/metrics"
	"millrace/runtime/ca"
	"millrace/runtime/fault"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

var loopback = netip.MustParseAddr("127.0.0.1")

// A house is a Runner over a driver and an engine of the test's.
type house struct {
	*testing.T
	config live.Config
	driver *fakeDriver
	engine *fakeEngine
	runner *live.Runner
}

func newHouse(t *testing.T) *house {
	store := backbonetest.Start(t, t.TempDir())
	records := record.New(store.JetStream(), nil)
	if err := records.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { records.Stop(context.Background()) })
	ring, err := keys.Open(records, keys.NewRoot(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, driver: newFakeDriver("fake"), engine: &fakeEngine{}}
	h.config = live.Config{
		Site: live.Site{Drivers: []driver.Driver{h.driver}, CA: ca.New(t.TempDir(), time.Now)}, Engines: map[catalog.Engine]engine.Engine{catalog.RabbitMQ: h.engine},
		Records: records, Keys: ring, Host: loopback,
	}
	h.restart()
	return h
}

// restart is a new Runner over the same records, as after a restart of the runtime.
func (h *house) restart() { h.runner = live.New(h.config) }

func (h *house) mustRun(d broker.Desired) broker.Running {
	h.Helper()
	running, err := h.runner.Run(h.Context(), d)
	if err != nil {
		h.Fatal(err)
	}
	return running
}

func desired(id string) broker.Desired {
	return broker.Desired{
		ID: id, Name: "orders", Account: "000000000000", Region: "us-east-1",
		Engine: catalog.RabbitMQ, Version: "3.13", Instance: "mq.m5.large", Mode: catalog.SingleInstance,
	}
}

func TestPlacementOutlivesRestarts(t *testing.T) {
	h := newHouse(t)
	first := h.mustRun(desired("b-1"))
	if h.engine.rendered[0].Served {
		t.Error("a broker that never served is said to have served")
	}
	if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
		t.Fatal(err)
	}
	h.restart()
	again := h.mustRun(desired("b-1"))
	if !slices.Equal(first.Instances[0].Endpoints, again.Instances[0].Endpoints) {
		t.Errorf("endpoints were %v and are %v", first.Instances, again.Instances)
	}
	a, b := h.engine.rendered[0], h.engine.rendered[1]
	if !b.Served || string(a.Seed) != string(b.Seed) || string(a.TLS.Key) != string(b.TLS.Key) {
		t.Error("seed or certificate did not outlive the restart, or Served is not told")
	}
	if n := h.engine.seeds; n != 1 {
		t.Errorf("%d seeds were made, want 1", n)
	}
}

func TestPortsDiffer(t *testing.T) {
	h := newHouse(t)
	seen := map[string]bool{}
	for i := range 5 {
		id := fmt.Sprintf("b-%d", i)
		h.mustRun(desired(id))
		for _, p := range h.engine.rendered[i].Nodes[0].Ports {
			where := p.Public.String()
			if seen[where] {
				t.Errorf("%s of %s was given to another broker", where, id)
			}
			seen[where] = true
			if port := p.Public.Port(); port >= 32768 && p.Private {
				t.Errorf("%s is in the ephemeral range", where)
			}
		}
	}
}

// A port that somebody listens at is not given out.
func TestTakenPortIsNotGiven(t *testing.T) {
	h := newHouse(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h.engine.inside = l.Addr().(*net.TCPAddr).AddrPort().Port()
	h.mustRun(desired("b-1"))
	if p, _ := h.engine.rendered[0].Nodes[0].Public("amqps"); p.Port() == h.engine.inside {
		t.Errorf("port %d is taken, and was given out", p.Port())
	}
}

func TestFailedCreationLeavesNothing(t *testing.T) {
	for name, spoil := range map[string]func(*house){
		"not found":          func(h *house) { h.driver.find = fault.New(fault.NotFound, "no image") },
		"does not start":     func(h *house) { h.driver.start = errors.New("port taken") },
		"dies while booting": func(h *house) { h.driver.dies = true },
		"never serves":       func(h *house) { h.engine.ready = errors.New("unhealthy") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			spoil(h)
			if _, err := h.runner.Run(t.Context(), desired("b-1")); err == nil {
				t.Fatal("it runs")
			}
			if left := h.driver.left(); len(left) > 0 {
				t.Errorf("%v are left", left)
			}
			if keys := record.NewTable[struct{}](h.config.Records, "brokerplacement").Keys(""); len(keys) > 0 {
				t.Errorf("placements are left: %v", keys)
			}
		})
	}
}

// Two runtimes may choose the same port: whoever is slower takes another.
func TestPortIsLostToSomebodyElse(t *testing.T) {
	h := newHouse(t)
	h.driver.beforeStart = func(n driver.Node) error {
		h.driver.beforeStart = nil
		return fault.New(fault.Conflict, "port %s is in use", n.Ports[0].Public)
	}
	running := h.mustRun(desired("b-1"))
	if n := h.engine.seeds; n != 2 {
		t.Errorf("it was placed %d times, want 2", n)
	}
	at, _ := h.engine.rendered[len(h.engine.rendered)-1].Nodes[0].Public("amqps")
	if want := "amqps://" + at.String(); running.Instances[0].Endpoints[0] != want {
		t.Errorf("it tells of %v, and listens at %s", running.Instances, want)
	}

	// Clients know where a broker was that has served.
	if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
		t.Fatal(err)
	}
	h.driver.start = fault.New(fault.Conflict, "the port is in use")
	if _, err := h.runner.Run(t.Context(), desired("b-1")); fault.Of(err) != fault.Conflict {
		t.Errorf("on a port that was taken meanwhile: %v", err)
	}
	h.driver.start = nil
	if again := h.mustRun(desired("b-1")); !slices.Equal(again.Instances[0].Endpoints, running.Instances[0].Endpoints) {
		t.Errorf("it moved from %v to %v", running.Instances, again.Instances)
	}
}

// So it is when somebody listens at a port after the launch, and the broker ends.
func TestPortIsLostWhileItBoots(t *testing.T) {
	h := newHouse(t)
	var lost string
	h.driver.dies = true
	h.driver.beforeStart = func(n driver.Node) error {
		if lost != "" {
			h.driver.dies = false
			return nil
		}
		lost = n.Ports[0].Public.String()
		l, err := net.Listen("tcp", lost)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return nil
	}
	if running := h.mustRun(desired("b-1")); running.Instances[0].Endpoints[0] == "amqps://"+lost {
		t.Errorf("it is at %s, where somebody else listens", lost)
	}
}

// A new broker that never serves, and never ends, is given up; an old one may have much
// to recover.
func TestFirstBootIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.engine.hangs = true
		if _, err := h.runner.Run(t.Context(), desired("b-1")); fault.Of(err) != fault.Timeout {
			t.Errorf("it ended with %v", err)
		}
		if left := h.driver.left(); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
	})
}

// A broker that has served keeps its data when it cannot be brought up again.
func TestFailedRestartKeepsData(t *testing.T) {
	h := newHouse(t)
	h.mustRun(desired("b-1"))
	if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
		t.Fatal(err)
	}
	h.engine.ready = errors.New("unhealthy")
	if _, err := h.runner.Run(t.Context(), desired("b-1")); err == nil {
		t.Fatal("it runs")
	}
	if left := h.driver.left(); !slices.Equal(left, []string{"b-1-1"}) {
		t.Errorf("%v are left, want the node", left)
	}
	if h.driver.runs("b-1-1") {
		t.Error("what never got ready still runs")
	}
	h.engine.ready = nil
	h.mustRun(desired("b-1"))
}

func TestDeathIsTold(t *testing.T) {
	h := newHouse(t)
	running := h.mustRun(desired("b-1"))
	h.driver.kill("b-1-1")
	<-running.Done
	if err := running.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("it died of %v", err)
	}
	running = h.mustRun(desired("b-1"))
	if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-running.Done:
		t.Error("a broker that was stopped is told to have died")
	default:
	}
}

// Alarms are told at first, when they change, and the newest only.
func TestAlarmsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		running := h.mustRun(desired("b-1"))
		told := func() (all []broker.Action) {
			synctest.Wait()
			select {
			case all = <-running.Alarms:
			default:
				t.Error("nothing is told")
			}
			return all
		}
		if a := told(); len(a) != 0 {
			t.Errorf("a new broker has %v", a)
		}
		memory, disk := broker.Action{Code: broker.MemoryAlarm}, broker.Action{Code: broker.DiskAlarm}
		h.engine.alarm(disk)
		time.Sleep(15 * time.Second)
		h.engine.alarm(disk, memory)
		time.Sleep(15 * time.Second)
		if a := told(); !slices.Equal(a, []broker.Action{disk, memory}) {
			t.Errorf("told are %v", a)
		}
		time.Sleep(time.Minute)
		select {
		case a := <-running.Alarms:
			t.Errorf("told twice: %v", a)
		default:
		}
		h.engine.alarm()
		time.Sleep(15 * time.Second)
		if a := told(); len(a) != 0 {
			t.Errorf("it is well again, but told are %v", a)
		}
		if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
			t.Fatal(err)
		}
	})
}

// An alarm that was provoked is told without waiting for the next look.
func TestProvokedAlarmsAreToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		running := h.mustRun(desired("b-1"))
		synctest.Wait()
		if a := <-running.Alarms; len(a) != 0 {
			t.Errorf("a new broker has %v", a)
		}
		for _, on := range []bool{true, false} {
			start := time.Now()
			if err := h.runner.Provoke(t.Context(), "b-1", broker.DiskAlarm, on); err != nil {
				t.Fatal(err)
			}
			if a := <-running.Alarms; len(a) == 1 != on || time.Since(start) > 0 {
				t.Errorf("after %v alarms are %v", time.Since(start), a)
			}
		}
		if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
			t.Fatal(err)
		}
		if err := h.runner.Provoke(t.Context(), "b-1", broker.DiskAlarm, true); fault.Of(err) != fault.Conflict {
			t.Errorf("of a broker that does not run: %v", err)
		}
	})
}

func TestRemoveLeavesNothing(t *testing.T) {
	h := newHouse(t)
	h.mustRun(desired("b-1"))
	h.restart() // as after a kill: what runs is not at hand anymore
	if err := h.runner.Remove(t.Context(), "b-1"); err != nil {
		t.Fatal(err)
	}
	if left := h.driver.left(); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	if err := h.runner.Remove(t.Context(), "b-1"); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}

// A broker stays with the driver that has its data.
func TestDriverStays(t *testing.T) {
	h := newHouse(t)
	h.mustRun(desired("b-1"))
	other := newFakeDriver("other")
	h.config.Drivers = []driver.Driver{other, h.driver}
	h.restart()
	h.mustRun(desired("b-1"))
	h.mustRun(desired("b-2"))
	if !h.driver.runs("b-1-1") || !other.runs("b-2-1") {
		t.Error("b-1 should run in the driver that it was made with, b-2 in the first that works")
	}
	other.check = errors.New("install it")
	if _, err := h.runner.Run(t.Context(), desired("b-2")); err == nil || !strings.Contains(err.Error(), "install it") {
		t.Errorf("a broker whose driver does not work says %v", err)
	}
}

// A broker that another runtime has taken over stands on what it was made with: the drivers
// of the old data folder, and the authority that its clients trust.
func TestTakenOverBrokersKeepTheirSite(t *testing.T) {
	h := newHouse(t)
	h.config.Folder = "/old"
	h.restart()
	before := h.mustRun(desired("b-1"))
	if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
		t.Fatal(err)
	}
	old, opened := h.config.Site, ""
	h.config.Site = live.Site{Folder: "/new", Drivers: []driver.Driver{newFakeDriver("fake")}, CA: ca.New(t.TempDir(), time.Now)}
	h.config.Elsewhere = func(folder string) (live.Site, error) { opened += folder; return old, nil }
	h.restart()
	after := h.mustRun(desired("b-1"))
	if !bytes.Equal(before.Root, after.Root) || len(after.Root) == 0 {
		t.Error("clients have to trust another authority")
	}
	if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
		t.Fatal(err)
	}
	if opened != "/old" || len(h.driver.nodes) == 0 {
		t.Errorf("opened %q, and its driver has %d nodes", opened, len(h.driver.nodes))
	}
	if h.mustRun(desired("b-2")); opened != "/old" {
		t.Errorf("for a new broker %q was opened", opened)
	}
}

func TestVersions(t *testing.T) {
	h := newHouse(t)
	h.driver.version = "3.10.8"
	if got := h.mustRun(desired("b-1")).Software; got != "rabbitmq 3.10.8 (fake)" {
		t.Errorf("it says that %q runs", got)
	}
	h.config.Exact = true
	h.restart()
	if _, err := h.runner.Run(t.Context(), desired("b-2")); fault.Of(err) != fault.Invalid {
		t.Errorf("3.10.8 in place of 3.13 with Exact: %v", err)
	}
	h.driver.version = "3.13.7"
	h.mustRun(desired("b-3"))
}

func TestNothingToRunWith(t *testing.T) {
	h := newHouse(t)
	h.driver.check = errors.New("apt-get install rabbitmq-server")
	if _, err := h.runner.Run(t.Context(), desired("b-1")); err == nil || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("the reason does not say what to install: %v", err)
	}
	d := desired("b-1")
	d.Engine = catalog.ActiveMQ
	if _, err := h.runner.Run(t.Context(), d); fault.Of(err) != fault.Invalid {
		t.Errorf("an engine that is not there: %v", err)
	}
}

// A Run that is canceled stops what it began, and can be repeated.
func TestCanceledRun(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	h.engine.booting = cancel
	if _, err := h.runner.Run(ctx, desired("b-1")); err == nil {
		t.Fatal("it runs")
	}
	if h.driver.runs("b-1-1") {
		t.Error("what was begun still runs")
	}
	h.engine.booting = nil
	h.mustRun(desired("b-1"))
}

// A fakeDriver runs nodes in memory.
type fakeDriver struct {
	name               string
	version            string
	check, find, start error
	beforeStart        func(driver.Node) error
	dies               bool
	log                func(ctx context.Context, node string, follow bool) io.Reader

	mu     sync.Mutex
	nodes  map[string]*fakeInstance
	fails  map[string]error // of Start, by nodes
	events []string         // "start b-1-2", "adopt b-1-2", "stop b-1-2"
}

// note keeps an event; the caller holds mu.
func (d *fakeDriver) note(what, node string) { d.events = append(d.events, what+" "+node) }

// did returns the events since it was last asked.
func (d *fakeDriver) did() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := strings.Join(d.events, "; ")
	d.events = nil
	return text
}

func (d *fakeDriver) fail(node string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails[node] = err
}

func newFakeDriver(name string) *fakeDriver {
	return &fakeDriver{name: name, version: "3.13.7", nodes: map[string]*fakeInstance{}, fails: map[string]error{}}
}

func (d *fakeDriver) Name() string                { return d.name }
func (d *fakeDriver) Check(context.Context) error { return d.check }
func (d *fakeDriver) Close() error                { return nil }
func (d *fakeDriver) Log(ctx context.Context, node string, follow bool) (io.ReadCloser, error) {
	if d.log == nil {
		return nil, fault.New(fault.NotFound, "nothing is printed")
	}
	return io.NopCloser(d.log(ctx, node, follow)), nil
}
func (d *fakeDriver) Find(_ context.Context, name, _ string, _ func(string)) (driver.Software, error) {
	return driver.Software{Engine: name, Version: d.version, Source: "fake"}, d.find
}

func (d *fakeDriver) Start(_ context.Context, n driver.Node, s driver.Software) (driver.Instance, error) {
	if d.start != nil {
		return nil, d.start
	}
	if d.beforeStart != nil {
		if err := d.beforeStart(n); err != nil {
			return nil, err
		}
	}
	launch, err := n.Render(driver.Place{Software: s})
	if err != nil {
		return nil, err
	}
	hash := launch.Hash(n, s)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fails[n.Name]; err != nil {
		d.note("fail", n.Name)
		return nil, err
	}
	if i := d.nodes[n.Name]; i != nil && !i.isOver() {
		if i.hash == hash {
			d.note("adopt", n.Name)
			return i, nil
		}
		d.note("stop", n.Name)
		i.over(nil)
	}
	d.note("start", n.Name)
	i := &fakeInstance{driver: d, name: n.Name, hash: hash, ready: make(chan struct{}), done: make(chan struct{})}
	if d.dies {
		i.over(errors.New("died"))
	} else {
		close(i.ready)
	}
	d.nodes[n.Name] = i
	return i, nil
}

func (d *fakeDriver) Halt(_ context.Context, node string) error {
	if i := d.at(node); i != nil {
		i.over(nil)
	}
	return nil
}

func (d *fakeDriver) Remove(ctx context.Context, node string) error {
	err := d.Halt(ctx, node)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.nodes, node)
	return err
}

func (d *fakeDriver) Nodes(context.Context) ([]driver.State, error) { return nil, nil }

func (d *fakeDriver) at(node string) *fakeInstance {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nodes[node]
}

func (d *fakeDriver) left() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.nodes))
}

func (d *fakeDriver) runs(node string) bool {
	i := d.at(node)
	return i != nil && !i.isOver()
}

func (d *fakeDriver) kill(node string) { d.at(node).over(errors.New("killed")) }

type fakeInstance struct {
	driver      *fakeDriver
	name, hash  string
	ready, done chan struct{}
	once        sync.Once
	err         error
}

func (i *fakeInstance) over(err error) {
	i.once.Do(func() {
		i.err = err
		close(i.done)
	})
}

func (i *fakeInstance) isOver() bool {
	select {
	case <-i.done:
		return true
	default:
		return false
	}
}

func (i *fakeInstance) Ready() <-chan struct{} { return i.ready }
func (i *fakeInstance) Done() <-chan struct{}  { return i.done }
func (i *fakeInstance) Err() error             { return i.err }
func (i *fakeInstance) Adopted() bool          { return false }
func (i *fakeInstance) Stop(context.Context) error {
	i.driver.mu.Lock()
	i.driver.note("stop", i.name)
	i.driver.mu.Unlock()
	i.over(nil)
	return nil
}

func (i *fakeInstance) Exec(context.Context, io.Reader, string, ...string) ([]byte, error) {
	return nil, errors.New("there is nothing to run")
}

// A fakeEngine notes what it is asked to render.
type fakeEngine struct {
	inside  uint16
	ready   error
	booting func()
	hangs   bool
	size    int  // of brokers; 0 for 1
	private bool // nodes have no port for clients, so that nobody listens

	mu        sync.Mutex // guards what follows
	inAlarm   []broker.Action
	measured  int
	redundant int // how often that was asked
	seeds     int
	rendered  []engine.Broker
}

func (e *fakeEngine) Name() string                      { return "rabbitmq" }
func (e *fakeEngine) Nodes(broker.Desired) (int, error) { return max(e.size, 1), nil }
func (e *fakeEngine) Ports(broker.Desired, bool) []driver.Port {
	return []driver.Port{
		{Name: "amqps", Inside: e.inside, Private: e.private},
		{Name: "epmd", Inside: 4369, Private: true, Shared: e.size > 1},
		{Name: "dist", Inside: 25672, Private: true},
	}
}

func (e *fakeEngine) Seed(broker.Desired, io.Reader) ([]byte, error) {
	e.seeds++
	return fmt.Appendf(nil, "seed %d", e.seeds), nil
}

func (e *fakeEngine) Render(b engine.Broker, _ int, _ driver.Place) (engine.Rendered, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rendered = append(e.rendered, b)
	return engine.Rendered{Launch: driver.Launch{Env: []string{"CONFIGURATION=" + string(b.Configuration)}}}, nil
}

func (e *fakeEngine) Describe(b engine.Broker) []broker.Instance {
	at, _ := b.Public("amqps")
	return []broker.Instance{{Endpoints: []string{"amqps://" + at.String()}}}
}

func (e *fakeEngine) Control(engine.Broker, []driver.Instance, driver.Software) (engine.Control, error) {
	return fakeControl{e}, nil
}

func (e *fakeEngine) alarms() []broker.Action {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inAlarm
}

func (e *fakeEngine) alarm(a ...broker.Action) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inAlarm = a
}

type fakeControl struct{ *fakeEngine }

func (c fakeControl) Ready(ctx context.Context, _ int) error {
	if c.booting != nil {
		c.booting()
	}
	if c.booting != nil || c.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return c.ready
}

func (c fakeControl) Answers(context.Context, int) error { return nil }
func (c fakeControl) Redundant(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.redundant++
	return nil
}

func (c fakeControl) Reconcile(context.Context) ([]string, error)            { return nil, nil }
func (c fakeControl) Alarms(context.Context) ([]broker.Action, error)        { return c.alarms(), nil }
func (c fakeControl) User(context.Context, broker.User, broker.Change) error { return nil }
func (c fakeControl) Measure(context.Context) (metrics.Broker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.measured++
	return metrics.Broker{Name: "orders", Version: "4.2", Counts: metrics.Counts{Queues: float64(c.measured)}}, nil
}

func (c fakeControl) Provoke(_ context.Context, code string, on bool) error {
	c.alarm()
	if on {
		c.alarm(broker.Action{Code: code})
	}
	return nil
}
func (c fakeControl) Release() {}
