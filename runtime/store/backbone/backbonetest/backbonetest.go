// Package backbonetest helps to test with an embedded backbone.
package backbonetest

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/ats"

	"millrace/runtime/store/backbone"
)

// starting is how long servers may take to be ready: whatever a busy machine needs,
// and no more than the go command gives the test.
const starting = 5 * time.Minute

// Main is the TestMain of a package whose tests run an embedded server inside a
// testing/synctest bubble:
//
//	func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }
//
// The server's access-time clock is one goroutine for the whole process. Started
// here, it is outside of every bubble; started by the first server, it would be
// inside of one and keep it from ending.
func Main(m *testing.M) int {
	ats.Register()
	defer ats.Unregister()
	return m.Run()
}

// Start runs an embedded server on dir until Stop or the end of the test.
func Start(tb testing.TB, dir string) *backbone.Backbone {
	tb.Helper()
	b := backbone.New(backbone.Config{Dir: dir})
	if err := b.Start(tb.Context()); err != nil {
		tb.Fatalf("starting the backbone: %v", err)
	}
	tb.Cleanup(func() { b.Stop(context.Background()) })
	return b
}

// Listen runs a server of its own that listens on loopback, as an external one
// would, and returns its URL. maxPayload is in bytes; 0 means NATS's default,
// 1 MiB.
func Listen(tb testing.TB, maxPayload int32) (url string) {
	tb.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: tb.TempDir(),
		NoSigs: true, NoLog: true, MaxPayload: maxPayload,
	})
	if err != nil {
		tb.Fatalf("configuring a NATS server: %v", err)
	}
	srv.Start()
	tb.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(starting) {
		tb.Fatalf("a limit of the test struck: the NATS server was not ready after %v", starting)
	}
	return srv.ClientURL()
}
