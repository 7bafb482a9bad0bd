package backbonetest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A Cluster is NATS servers in this process, with JetStream on files, that know
// of each other on loopback.
type Cluster struct {
	Servers []*server.Server
}

// NewCluster runs n servers until the end of the test. It returns once JetStream
// has elected its leader.
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
	var routes []*url.URL
	for i := range n {
		srv, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("server", i+1), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: tb.TempDir(), MaxPayload: 8 << 20,
			Cluster: server.ClusterOpts{Name: "millrace", Host: "127.0.0.1", Port: server.RANDOM_PORT},
			Routes:  routes,
		})
		if err != nil {
			tb.Fatalf("configuring a NATS server: %v", err)
		}
		c.Servers = append(c.Servers, srv)
		srv.Start()
		if !srv.ReadyForConnections(10 * time.Second) {
			tb.Fatal("a NATS server did not get ready")
		}
		if i == 0 { // the others find each other through the first
			u, err := url.Parse("nats-route://" + srv.ClusterAddr().String())
			if err != nil {
				tb.Fatal(err)
			}
			routes = append(routes, u)
		}
	}
	for _, s := range c.Servers {
		for end := time.Now().Add(30 * time.Second); !s.JetStreamIsCurrent(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				tb.Fatal("JetStream's servers did not find each other within 30 seconds")
			}
		}
	}
	return c
}

// URL names all servers, the i-th first.
func (c *Cluster) URL(i int) string {
	var all []string
	for j := range c.Servers {
		all = append(all, c.Servers[(i+j)%len(c.Servers)].ClientURL())
	}
	return strings.Join(all, ",")
}
