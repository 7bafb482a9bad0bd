package brokertest

import (
	"fmt"
	"sync"
	"testing"

	"millrace/runtime/broker/driver"
)

// A cluster is three nodes that are members of one.
type cluster struct {
	*bench
	nodes     []driver.Node
	instances []driver.Instance

	mu     sync.Mutex
	places map[string]driver.Place // by the names of nodes
}

func (b *bench) cluster() *cluster {
	c := &cluster{bench: b, instances: make([]driver.Instance, 3), places: map[string]driver.Place{}}
	var names []string
	for i := range c.instances {
		names = append(names, fmt.Sprintf("%s%d", node[:len(node)-1], i+1))
	}
	shared := map[string]driver.Port{}
	for _, name := range names {
		n := b.node(name)
		n.Members = names
		for i, p := range n.Ports {
			if p.Name != "epmd" {
				continue
			}
			if _, ok := shared[p.Name]; !ok {
				p.Shared = true
				shared[p.Name] = p
			}
			n.Ports[i] = shared[p.Name]
		}
		render := b.Engine.RenderMember(name)
		n.Render = func(p driver.Place) (driver.Launch, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.places[name] = p
			return render(p)
		}
		c.nodes = append(c.nodes, n)
	}
	return c
}

// startAll starts all members at once, for the first time.
func (c *cluster) startAll() {
	c.Helper()
	var starting sync.WaitGroup
	errs := make([]error, len(c.nodes))
	for i, n := range c.nodes {
		starting.Go(func() { c.instances[i], errs[i] = c.driver.Start(c.Context(), n, c.software) })
	}
	starting.Wait()
	for i, err := range errs {
		if err != nil {
			c.Fatalf("starting member %d: %v", i, err)
		}
		if c.instances[i].Adopted() {
			c.Errorf("the new member %d is adopted", i)
		}
	}
}

// serve waits until members, by their numbers, serve, and the first of them reaches the
// others.
func (c *cluster) serve(members ...int) {
	c.Helper()
	for _, i := range members {
		c.serves(c.nodes[i], c.instances[i])
	}
	first := members[0]
	c.mu.Lock()
	hosts := c.places[c.nodes[first].Name].Hosts
	c.mu.Unlock()
	others := map[string]string{}
	for _, i := range members[1:] {
		others[c.nodes[i].Name] = hosts[c.nodes[i].Name]
	}
	c.Until(c, fmt.Sprintf("member %d reaches %v", first, others), func() bool {
		err := c.Engine.Reaches(c.Context(), c.instances[first], others)
		if err != nil {
			c.Log(err)
		}
		return err == nil
	})
}

// runs checks which members run, by their numbers.
func (c *cluster) runs(members ...int) {
	c.Helper()
	want := map[string]bool{}
	for _, i := range members {
		want[c.nodes[i].Name] = true
	}
	states, err := c.driver.Nodes(c.Context())
	if err != nil || len(states) != len(c.nodes) {
		c.Fatalf("nodes: %+v, %v; want %d", states, err, len(c.nodes))
	}
	for _, s := range states {
		if s.Running != want[s.Node] {
			c.Errorf("%s runs: %v", s.Node, s.Running)
		}
	}
}

// Members of a cluster reach each other, and are started, killed and removed each on its
// own. What they share outlives each of them, and the last one takes it away.
func (s Subject) cluster(t *testing.T) {
	b := s.bench(t)
	c := b.cluster()
	c.startAll()
	c.serve(0, 1, 2)
	c.runs(0, 1, 2)
	for i, n := range c.nodes {
		if p := c.places[n.Name]; len(p.Hosts) != len(c.nodes) || p.Hosts[n.Name] != p.Host {
			t.Errorf("member %d: the hosts are %v, and its own is %q", i, p.Hosts, p.Host)
		}
	}
	c.keep(c.instances[0], "of-first")
	c.kept(c.instances[1], "of-first", false)

	// The first one has brought up what is shared.
	c.Kill(t, c.data, c.nodes[0].Name)
	c.died(c.instances[0])
	c.runs(1, 2)
	c.serve(2, 1)
	c.instances[0] = c.start(c.nodes[0])
	if c.instances[0].Adopted() {
		t.Error("a dead member is adopted")
	}
	c.serve(0, 1, 2)
	c.kept(c.instances[0], "of-first", true)

	// A later runtime adopts all, and can start one beside those.
	c.stop(c.instances[1])
	c.runs(0, 2)
	if err := c.driver.Close(); err != nil {
		t.Fatalf("closing: %v", err)
	}
	c.open()
	c.runs(0, 2)
	for _, i := range []int{0, 2} {
		if c.instances[i] = c.start(c.nodes[i]); !c.instances[i].Adopted() {
			t.Errorf("member %d was not adopted", i)
		}
	}
	c.instances[1] = c.start(c.nodes[1])
	c.serve(0, 1, 2)

	// Each goes alone.
	if err := c.driver.Remove(t.Context(), c.nodes[0].Name); err != nil {
		t.Fatalf("removing the first member: %v", err)
	}
	c.serve(1, 2)
	for _, i := range []int{2, 1} {
		if err := c.driver.Remove(t.Context(), c.nodes[i].Name); err != nil {
			t.Fatalf("removing member %d: %v", i, err)
		}
	}
	c.nothingLeft()
	c.silentAll()
}

func (c *cluster) silentAll() {
	c.Helper()
	for _, n := range c.nodes {
		c.silent(n)
	}
}
