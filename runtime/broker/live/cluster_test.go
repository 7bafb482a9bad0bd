package live_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
	"millrace/test/patience"
)

// newCluster is a house whose brokers are clusters that nobody connects to: in a bubble,
// nobody may listen.
func newCluster(t *testing.T) *house {
	h := newHouse(t)
	h.engine.size, h.engine.private = 3, true
	return h
}

func desiredCluster(id string) broker.Desired {
	d := desired(id)
	d.Mode = catalog.Cluster
	return d
}

// did checks what the driver was asked for; the order of nodes that start together is
// anybody's.
func (h *house) did(want string) {
	h.Helper()
	synctest.Wait()
	if got := h.driver.did(); got != want {
		h.Errorf("the driver was asked for\n  %s\nwant\n  %s", got, want)
	}
}

func (h *house) stop(id string) {
	h.Helper()
	if err := h.runner.Stop(context.WithoutCancel(h.Context()), id); err != nil {
		h.Fatal(err)
	}
}

func dead(r broker.Running) bool {
	synctest.Wait()
	select {
	case <-r.Done:
		return true
	default:
		return false
	}
}

// A node that dies is started again while others serve: after a second, and twice as long
// each time it dies soon.
func TestADeadNodeIsStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		running := h.mustRun(desiredCluster("b-1"))
		defer h.stop("b-1")
		h.driver.did()
		for _, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			h.driver.kill("b-1-2")
			time.Sleep(wait - time.Millisecond)
			h.did("")
			time.Sleep(time.Millisecond)
			h.did("start b-1-2")
			if again := h.engine.rendered[len(h.engine.rendered)-1]; !again.Served {
				t.Error("it is born a second time: users that were deleted come back")
			}
		}
		for range 10 { // it does not come up
			h.driver.fail("b-1-2", errors.New("no port"))
			h.driver.kill("b-1-2")
			time.Sleep(2 * time.Minute)
		}
		if n := strings.Count(h.driver.did(), "fail"); n < 19 || n > 30 {
			t.Errorf("in 20 minutes it was tried %d times, want about one a minute", n)
		}
		h.driver.fail("b-1-2", nil)
		time.Sleep(5 * time.Minute)
		h.did("start b-1-2")
		h.driver.kill("b-1-2")
		time.Sleep(time.Second)
		h.did("start b-1-2")
		if dead(running) {
			t.Error("the broker has died, although two nodes served")
		}
	})
}

func TestAClusterIsDeadWithoutNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		running := h.mustRun(desiredCluster("b-1"))
		for n, node := range []string{"b-1-3", "b-1-1", "b-1-2"} {
			if dead(running) {
				t.Fatalf("it has died of %d deaths", n)
			}
			h.driver.kill(node)
		}
		if !dead(running) || running.Err() == nil {
			t.Errorf("it has not died, or says not why: %v", running.Err())
		}
		h.driver.did()
		time.Sleep(time.Hour)
		h.did("") // whoever runs it has to run it again
		running = h.mustRun(desiredCluster("b-1"))
		h.stop("b-1")
		if dead(running) {
			t.Error("a cluster that was stopped is told to have died")
		}
	})
}

// A new cluster is one of three nodes or none.
func TestFailedCreationOfACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		h.driver.fail("b-1-3", errors.New("no port"))
		if _, err := h.runner.Run(t.Context(), desiredCluster("b-1")); err == nil || !strings.Contains(err.Error(), "no port") {
			t.Errorf("it ended with %v", err)
		}
		if left := h.driver.left(); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
	})
}

// One that has served comes back with two, and the third joins when it can.
func TestAMajorityComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		h.mustRun(desiredCluster("b-1"))
		h.stop("b-1")
		h.driver.fail("b-1-3", errors.New("no port"))
		running := h.mustRun(desiredCluster("b-1"))
		defer h.stop("b-1")
		h.driver.fail("b-1-3", nil)
		time.Sleep(2 * time.Second)
		if !h.driver.runs("b-1-3") || dead(running) {
			t.Error("the third node was not tried again")
		}

		// Fewer than that are none.
		h.stop("b-1")
		h.driver.fail("b-1-1", errors.New("no port"))
		h.driver.fail("b-1-2", errors.New("no port"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := h.runner.Run(ctx, desiredCluster("b-1")); fault.Of(err) != fault.Timeout {
			t.Errorf("a node alone: %v", err)
		}
		h.driver.fail("b-1-3", errors.New("no port"))
		if _, err := h.runner.Run(t.Context(), desiredCluster("b-1")); err == nil || !strings.Contains(err.Error(), "no port") {
			t.Errorf("no node: %v", err)
		}
	})
}

// What an earlier runtime has left running is adopted, and what it has not is started.
func TestAdoptionOfACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		h.mustRun(desiredCluster("b-1"))
		before := h.runner
		h.restart()
		h.driver.kill("b-1-2")
		h.driver.did()
		h.mustRun(desiredCluster("b-1"))
		did := strings.Split(h.driver.did(), "; ")
		slices.Sort(did)
		if got, want := fmt.Sprint(did), "[adopt b-1-1 adopt b-1-3 start b-1-2]"; got != want {
			t.Errorf("it was asked for %s, want %s", got, want)
		}
		h.stop("b-1")
		if err := before.Stop(t.Context(), "b-1"); err != nil { // for the bubble to end
			t.Fatal(err)
		}
	})
}

// A reboot starts one node after the other anew, each when the others can do without it.
func TestRollingReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		running := h.mustRun(desiredCluster("b-1"))
		defer h.stop("b-1")
		h.driver.did()
		d := desiredCluster("b-1")
		d.Configuration = []byte("heartbeat = 30")
		h.driver.kill("b-1-3") // which is back before any other goes
		again, err := h.runner.Reboot(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		h.did("start b-1-3; stop b-1-1; start b-1-1; stop b-1-2; start b-1-2; stop b-1-3; start b-1-3")
		if h.engine.redundant != 3 {
			t.Errorf("it was asked %d times whether a node is needed, want 3", h.engine.redundant)
		}
		for _, b := range h.engine.rendered[len(h.engine.rendered)-3:] {
			if string(b.Configuration) != "heartbeat = 30" {
				t.Errorf("it was started with %q", b.Configuration)
			}
		}
		if dead(running) || dead(again) || again.Done != running.Done {
			t.Error("it is told to have died, or to be another")
		}
		h.driver.kill("b-1-1")
		time.Sleep(time.Second)
		h.did("start b-1-1") // and is supervised as before
	})
}

// A node that does not come back from a reboot leaves the others as they are.
func TestFailedReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		h.mustRun(desiredCluster("b-1"))
		h.driver.did()
		h.driver.fail("b-1-1", errors.New("no port"))
		d := desiredCluster("b-1")
		d.Configuration = []byte("heartbeat = 30")
		if _, err := h.runner.Reboot(t.Context(), d); err == nil || !strings.Contains(err.Error(), "no port") {
			t.Fatalf("it ended with %v", err)
		}
		h.did("stop b-1-1; fail b-1-1")
		h.driver.fail("b-1-1", nil)
		h.mustRun(desiredCluster("b-1")) // as it was before
		did := strings.Split(h.driver.did(), "; ")
		slices.Sort(did)
		if got, want := fmt.Sprint(did), "[adopt b-1-2 adopt b-1-3 start b-1-1]"; got != want {
			t.Errorf("it was asked for %s, want %s", got, want)
		}
		h.stop("b-1")
	})
}

// Other software runs in all nodes or none; and there may be no cluster to roll.
func TestRebootOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		h.mustRun(desiredCluster("b-1"))
		h.driver.did()
		h.driver.version = "3.13.8"
		if running, err := h.runner.Reboot(t.Context(), desiredCluster("b-1")); err != nil || !strings.Contains(running.Software, "3.13.8") {
			t.Errorf("%v, %v", running, err)
		}
		if did := strings.Split(h.driver.did(), "; "); len(did) != 6 || slices.ContainsFunc(did[:3], func(e string) bool { return !strings.HasPrefix(e, "stop") }) {
			t.Errorf("it was asked for %v", did)
		}
		for n := range 3 {
			h.driver.kill(fmt.Sprint("b-1-", n+1))
		}
		if _, err := h.runner.Reboot(t.Context(), desiredCluster("b-1")); err != nil {
			t.Error(err)
		}
		h.stop("b-1")
		if _, err := h.runner.Reboot(t.Context(), desiredCluster("b-1")); err != nil {
			t.Error(err)
		}
		h.stop("b-1")
		if err := h.runner.Remove(t.Context(), "b-1"); err != nil {
			t.Fatal(err)
		}
		if left := h.driver.left(); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
	})
}

// Clients know one endpoint, behind which nodes come and go. Its ports are those that a
// single broker would have, and stay.
func TestOneEndpoint(t *testing.T) {
	h := newHouse(t)
	h.engine.size = 3
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.engine.inside = l.Addr().(*net.TCPAddr).AddrPort().Port()
	l.Close()
	running := h.mustRun(desiredCluster("b-1"))
	endpoint := strings.TrimPrefix(running.Instances[0].Endpoints[0], "amqps://")
	if want := fmt.Sprint("127.0.0.1:", h.engine.inside); endpoint != want || len(running.Instances) != 1 {
		t.Errorf("the instances are %v, want one at %s", running.Instances, want)
	}
	b := h.engine.rendered[0]
	for n, node := range b.Nodes {
		at, _ := node.Public("amqps")
		if epmd, _ := node.Public("epmd"); at.String() == endpoint || epmd != b.Nodes[0].Ports[1].Public {
			t.Errorf("node %d is at %v", n+1, node.Ports)
		}
		l, err := net.Listen("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go greet(l, n)
	}
	greeted := func() string {
		c, err := net.Dial("tcp", endpoint)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		text, _ := io.ReadAll(c)
		return string(text)
	}
	if got := greeted() + greeted() + greeted(); got == "" {
		t.Errorf("nobody answers")
	}
	h.driver.fail("b-1-1", errors.New("no port"))
	h.driver.kill("b-1-1") // and stays away
	patience.Until(t, "node 1 to be left out", func() bool { return greeted() != "1" }, nil)
	for range 5 {
		if got := greeted(); got != "2" && got != "3" {
			t.Errorf("a dead node, or nobody, answers: %q", got)
		}
	}
	h.stop("b-1")
	if c, err := net.Dial("tcp", endpoint); err == nil {
		c.Close()
		t.Error("somebody listens for a broker that was stopped")
	}
	h.driver.fail("b-1-1", nil)
	h.restart()
	if again := h.mustRun(desiredCluster("b-1")); !slices.Equal(again.Instances[0].Endpoints, running.Instances[0].Endpoints) {
		t.Errorf("%v was followed by %v", running.Instances, again.Instances)
	}
	h.stop("b-1")
}

// greet says which node it is, to whoever connects.
func greet(l net.Listener, n int) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(c, n+1)
		c.Close()
	}
}

// The endpoint of a new cluster may be lost to somebody else, like that of a single broker.
func TestEndpointIsLostToSomebodyElse(t *testing.T) {
	h := newHouse(t)
	h.engine.size = 3
	h.mustRun(desiredCluster("b-1"))
	h.stop("b-1")
	at, _ := h.engine.rendered[0].Public("amqps")
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := h.runner.Run(t.Context(), desiredCluster("b-1")); fault.Of(err) != fault.Conflict || !strings.Contains(err.Error(), at.String()) {
		t.Errorf("on a port that was taken meanwhile: %v", err)
	}
}
