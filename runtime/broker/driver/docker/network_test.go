package docker_test

import (
	"context"
	"testing"

	"github.com/moby/moby/client"

	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/driver/docker"
	"millrace/runtime/fault"
)

func makeNetwork(t *testing.T, c *client.Client, name string, labels map[string]string) (here func() bool) {
	t.Helper()
	made, err := c.NetworkCreate(t.Context(), name, client.NetworkCreateOptions{Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.NetworkRemove(context.WithoutCancel(t.Context()), made.ID, client.NetworkRemoveOptions{})
	})
	return func() bool {
		_, err := c.NetworkInspect(t.Context(), made.ID, client.NetworkInspectOptions{})
		return err == nil
	}
}

// A network of which all members are gone, because a removal was cut off, is listed, and
// goes with any of these.
func TestANetworkThatIsLeftOverIsListed(t *testing.T) {
	c := engine(t)
	data := t.TempDir()
	d := open(t, docker.Config{Data: data})
	defer d.Close()
	name := "millrace-" + docker.DataID(data) + "-m-1"
	makeNetwork(t, c, name, map[string]string{"millrace.data": docker.DataID(data), "millrace.members": "m-1,m-2"})
	states, err := d.Nodes(t.Context())
	if err != nil || len(states) != 1 || states[0] != (driver.State{Node: "m-1", Where: "network " + name}) {
		t.Fatalf("nodes: %+v, %v", states, err)
	}
	if err := d.Remove(t.Context(), "m"); err != nil { // no member
		t.Error(err)
	}
	if states, _ := d.Nodes(t.Context()); len(states) != 1 {
		t.Error("the network went with somebody else's node")
	}
	if err := d.Remove(t.Context(), "m-2"); err != nil {
		t.Error(err)
	}
	if all := left(t, c, data); len(all) > 0 {
		t.Errorf("left over: %q", all)
	}
}

// A network that the driver has not made is neither used nor removed.
func TestForeignNetworksAreNotTouched(t *testing.T) {
	c := engine(t, "rabbitmq:3.13-management")
	data := t.TempDir()
	d := open(t, docker.Config{Data: data})
	defer d.Close()
	here := makeNetwork(t, c, "millrace-"+docker.DataID(data)+"-m-1", nil)
	s, err := d.Find(t.Context(), "rabbitmq", "3.13", nil)
	if err != nil {
		t.Fatal(err)
	}
	e := brokertest.RabbitMQ()
	n := driver.Node{Name: "m-2", Members: []string{"m-1", "m-2"}, Ports: brokertest.FreePorts(t, e.Ports()), Render: e.RenderMember("m-2")}
	if _, err := d.Start(t.Context(), n, s); fault.Of(err) != fault.Conflict {
		t.Errorf("starting: %v", err)
	}
	if err := d.Remove(t.Context(), "m-2"); err != nil {
		t.Error(err)
	}
	if !here() {
		t.Error("it was removed")
	}
}
