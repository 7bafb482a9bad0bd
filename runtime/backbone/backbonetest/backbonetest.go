// Package backbonetest helps to test with an embedded backbone.
package backbonetest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/nats-io/nats-server/v2/server/ats"

	"millrace/runtime/backbone"
)

// Main is the TestMain of a package whose tests run an embedded server inside a
// testing/synctest bubble:
//
//	func TestMain(m *testing.M) { backbonetest.Main(m) }
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
	b, err := backbone.Start(tb.Context(), backbone.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatalf("starting the backbone: %v", err)
	}
	tb.Cleanup(func() { b.Stop(context.Background()) })
	return b
}
