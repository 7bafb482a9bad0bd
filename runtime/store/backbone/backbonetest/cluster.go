package backbonetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Cluster is NATS servers in this process, with JetStream on files, that know
// of each other on loopback.
type Cluster struct {
	Servers []*server.Server
}

// NewCluster runs n servers until the end of the test. It returns once a
// stream can be on all of them.
func NewCluster(tb testing.TB, n int) *Cluster {
	tb.Helper()
	c := &Cluster{}
	tb.Cleanup(func() {
		for _, s := range c.Servers {
			s.Shutdown()
		}
		for _, s := range c.Servers {
			s.WaitForShutdown()
		}
	})
	routes := freeRoutes(tb, n)
	for i := range n {
		port, _ := strconv.Atoi(routes[i].Port())
		srv, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("server", i+1), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: tb.TempDir(), MaxPayload: 8 << 20,
			Cluster: server.ClusterOpts{Name: "millrace", Host: "127.0.0.1", Port: port},
			Routes:  routes,
		})
		if err != nil {
			tb.Fatalf("configuring a NATS server: %v", err)
		}
		c.Servers = append(c.Servers, srv)
		srv.Start()
	}
	c.await(tb)
	return c
}

// await waits until a stream can be on all servers.
func (c *Cluster) await(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), starting)
	defer cancel()
	for _, s := range c.Servers {
		if !s.ReadyForConnections(starting) {
			tb.Fatalf("a limit of the test struck: a NATS server was not ready after %v", starting)
		}
	}
	conn, err := nats.Connect(c.URL(0))
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	for err == nil {
		probe := jetstream.StreamConfig{Name: "PROBE", Replicas: len(c.Servers), Storage: jetstream.MemoryStorage}
		within, cancel := context.WithTimeout(ctx, time.Second)
		_, failed := js.CreateStream(within, probe)
		cancel()
		if failed == nil {
			err = js.DeleteStream(ctx, probe.Name)
			break
		}
		if err = ctx.Err(); err != nil {
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		tb.Fatalf("JetStream's servers did not find each other (a limit of the test: %v): %v", starting, err)
	}
}

// URL names all servers, the i-th first.
func (c *Cluster) URL(i int) string {
	var all []string
	for j := range c.Servers {
		all = append(all, c.Servers[(i+j)%len(c.Servers)].ClientURL())
	}
	return strings.Join(all, ",")
}

// freeRoutes are addresses where servers may listen for each other: each has to
// know them before the others are up.
func freeRoutes(tb testing.TB, n int) (routes []*url.URL) {
	tb.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer l.Close()
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: l.Addr().String()})
	}
	return routes
}
