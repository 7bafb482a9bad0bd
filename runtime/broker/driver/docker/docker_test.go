package docker_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/driver/docker"
	"millrace/runtime/fault"
	"millrace/test/needs"
	"millrace/test/patience"
)

const how = "test/brokers/engine start DIR and test/brokers/images DIR give an engine with images (Debian, as root); export the DOCKER_HOST that they print"

// engine is a client of the engine that the environment names; never of the default one,
// which is somebody's own.
func engine(t *testing.T, images ...string) *client.Client {
	needs.Long(t)
	if os.Getenv("DOCKER_HOST") == "" {
		needs.That(t, fmt.Errorf("DOCKER_HOST is not set"), how)
	}
	c, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = c.Ping(ctx, client.PingOptions{})
	needs.That(t, err, how)
	for _, image := range images {
		_, err := c.ImageInspect(ctx, image)
		needs.That(t, err, how)
	}
	return c
}

func open(t *testing.T, cfg docker.Config) driver.Driver {
	t.Helper()
	d, err := docker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDriver(t *testing.T) {
	for version, running := range map[string]string{"3.13": "3.10.8", "4.2": "4.0.5"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := engine(t, "rabbitmq:"+version+"-management")
			brokertest.Exercise(t, brokertest.Subject{
				Engine: brokertest.RabbitMQ(), Version: version, Running: running, Alone: version != "3.13",
				Open: func(t *testing.T, data string) driver.Driver { return open(t, docker.Config{Data: data}) },
				Absent: func(t *testing.T, data string) driver.Driver {
					return open(t, docker.Config{Data: data, Images: map[string]string{"rabbitmq": "127.0.0.1:1/nothing/here:{version}"}})
				},
				Kill:    func(t *testing.T, data, node string) { kill(t, c, data, node) },
				Left:    func(t *testing.T, data string) []string { return left(t, c, data) },
				Foreign: func(t *testing.T, data, node string) func() error { return foreign(t, c, version, data, node) },
				Until:   func(t testing.TB, what string, so func() bool) { patience.Until(t, what, so, nil) },
			})
		})
	}
}

func ours(t *testing.T, c *client.Client, data string) []container.Summary {
	t.Helper()
	got, err := c.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", "millrace.data="+docker.DataID(data))})
	if err != nil {
		t.Fatal(err)
	}
	return got.Items
}

func kill(t *testing.T, c *client.Client, data, node string) {
	for _, i := range ours(t, c, data) {
		if i.Labels["millrace.node"] == node {
			if _, err := c.ContainerKill(t.Context(), i.ID, client.ContainerKillOptions{Signal: "KILL"}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// left looks at all that the engine has, since a label may be what is missing.
func left(t *testing.T, c *client.Client, data string) (all []string) {
	if host, err := docker.UsedBy(data); host != "" || err != nil {
		all = append(all, "the file "+docker.File)
	}
	for _, i := range ours(t, c, data) {
		all = append(all, "container "+i.Names[0])
	}
	containers, err := c.ContainerList(t.Context(), client.ContainerListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range containers.Items {
		if strings.Contains(i.Names[0], docker.DataID(data)) {
			all = append(all, "container "+i.Names[0])
		}
	}
	volumes, err := c.VolumeList(t.Context(), client.VolumeListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range volumes.Items {
		if strings.Contains(v.Name, docker.DataID(data)) || v.Labels["millrace.data"] == docker.DataID(data) {
			all = append(all, "volume "+v.Name)
		}
	}
	networks, err := c.NetworkList(t.Context(), client.NetworkListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range networks.Items {
		if strings.Contains(n.Name, docker.DataID(data)) || n.Labels["millrace.data"] == docker.DataID(data) {
			all = append(all, "network "+n.Name)
		}
	}
	return all
}

func foreign(t *testing.T, c *client.Client, version, data, node string) func() error {
	name := "millrace-" + docker.DataID(data) + "-" + node
	made, err := c.ContainerCreate(t.Context(), client.ContainerCreateOptions{Name: name, Config: &container.Config{
		Image: "rabbitmq:" + version + "-management", Labels: map[string]string{"millrace.node": node},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.ContainerRemove(context.WithoutCancel(t.Context()), made.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	})
	return func() error {
		_, err := c.ContainerInspect(t.Context(), made.ID, client.ContainerInspectOptions{})
		return err
	}
}

// An engine that takes connections and never answers hangs nobody.
func TestAnEngineThatHangsIsGivenUp(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // connections wait in its queue
	d := open(t, docker.Config{Data: t.TempDir(), Host: "unix://" + socket, CallTimeout: 50 * time.Millisecond})
	defer d.Close()
	n := driver.Node{Name: "n", Render: func(driver.Place) (driver.Launch, error) { return driver.Launch{}, nil }}
	for name, f := range map[string]func() error{
		"Check": func() error { return d.Check(t.Context()) },
		"Find": func() error {
			_, err := d.Find(t.Context(), "rabbitmq", "3.13", func(string) {})
			return err
		},
		"Start": func() error {
			_, err := d.Start(t.Context(), n, driver.Software{Engine: "rabbitmq", Version: "3.13", Source: "i"})
			return err
		},
		"Halt":   func() error { return d.Halt(t.Context(), "n") },
		"Remove": func() error { return d.Remove(t.Context(), "n") },
		"Nodes": func() error {
			_, err := d.Nodes(t.Context())
			return err
		},
	} {
		if err := f(); fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), "answer") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoEngineIsSaidSo(t *testing.T) {
	d := open(t, docker.Config{Data: t.TempDir(), Host: "unix://" + filepath.Join(t.TempDir(), "nobody")})
	defer d.Close()
	err := d.Check(t.Context())
	if fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), "install") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

// Somebody who stops a broker's container is noticed at once, and what follows is up to
// whoever runs the broker.
func TestAContainerThatIsStoppedFromOutside(t *testing.T) {
	c := engine(t, "rabbitmq:3.13-management")
	data := t.TempDir()
	d := open(t, docker.Config{Data: data})
	defer d.Close()
	s, err := d.Find(t.Context(), "rabbitmq", "3.13", nil)
	if err != nil {
		t.Fatal(err)
	}
	e := brokertest.RabbitMQ()
	n := driver.Node{Name: "n", Ports: brokertest.FreePorts(t, e.Ports()), Render: e.Render}
	i, err := d.Start(t.Context(), n, s)
	if err != nil {
		t.Fatal(err)
	}
	now := 0 // it need not end well
	for _, container := range ours(t, c, data) {
		if _, err := c.ContainerStop(t.Context(), container.ID, client.ContainerStopOptions{Timeout: &now}); err != nil {
			t.Fatal(err)
		}
	}
	patience.For(t, "its end", i.Done(), nil)
	if i.Err() == nil {
		t.Error("an end that nobody here asked for is taken for a wanted one")
	}
	if err := d.Remove(t.Context(), "n"); err != nil {
		t.Error(err)
	}
	if all := left(t, c, data); len(all) > 0 {
		t.Errorf("left over: %q", all)
	}
}

// When nobody wants a log anymore, what follows it ends: Close waits for that.
func TestFollowingALogEndsWhenNobodyWantsIt(t *testing.T) {
	engine(t, "rabbitmq:3.13-management")
	d := open(t, docker.Config{Data: t.TempDir()})
	s, err := d.Find(t.Context(), "rabbitmq", "3.13", nil)
	if err != nil {
		t.Fatal(err)
	}
	e := brokertest.RabbitMQ()
	n := driver.Node{Name: "n", Ports: brokertest.FreePorts(t, e.Ports()), Render: e.Render}
	if _, err := d.Start(t.Context(), n, s); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	defer d.Remove(context.WithoutCancel(t.Context()), "n")
	ctx, cancel := context.WithCancel(t.Context())
	for name, end := range map[string]func(io.Closer){
		"closed":   func(r io.Closer) { r.Close() },
		"canceled": func(io.Closer) { cancel() },
	} {
		r, err := d.Log(ctx, "n", true)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { _, err := io.Copy(io.Discard, r); ended <- err }()
		end(r)
		if err := patience.For(t, name, ended, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		r.Close()
	}
}
