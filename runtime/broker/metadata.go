package broker

import (
	"context"
	"io"
	"time"

	"millrace/runtime/broker/metrics"
	"millrace/runtime/fault"
)

// Metadata is a Runner that runs nothing: its brokers go through their whole life, and
// nobody can connect to them.
type Metadata struct{}

// Run implements Runner.
func (Metadata) Run(context.Context, Desired) (Running, error) {
	return Running{Actions: []Action{{
		Code: "METADATA_ONLY",
		Info: "Nothing runs behind this broker: the runtime was started with --mq-driver metadata. Start it with another driver for brokers that can be connected to.",
	}}}, nil
}

// Reboot implements Runner.
func (m Metadata) Reboot(ctx context.Context, d Desired) (Running, error) { return m.Run(ctx, d) }

// Stop implements Runner.
func (Metadata) Stop(context.Context, string) error { return nil }

// Remove implements Runner.
func (Metadata) Remove(context.Context, string) error { return nil }

// User implements Runner.
func (Metadata) User(context.Context, string, User, Change) error { return nil }

// Provoke implements Runner.
func (Metadata) Provoke(context.Context, string, string, bool) error {
	return fault.New(fault.Invalid, "Nothing runs behind this broker: it can have faults of the mode state alone.")
}

// Log implements Runner.
func (Metadata) Log(context.Context, string, string, bool, io.Writer) error {
	return fault.New(fault.NotFound, "Nothing runs behind this broker, so it has no log.")
}

// Metrics implements Runner.
func (Metadata) Metrics(string, time.Time) []metrics.Series { return nil }
