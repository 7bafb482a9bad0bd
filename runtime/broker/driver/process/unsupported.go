//go:build !linux && !darwin

package process

import (
	"context"
	"io"
	"runtime"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// A Driver is one that can run nothing: there are no process groups here that
// outlive the runtime.
type Driver struct{}

var _ driver.Driver = (*Driver)(nil)

func unsupported() error {
	return fault.New(fault.Unavailable, "brokers do not run as processes on %s: use Docker", runtime.GOOS)
}

// New returns a driver.
func New(Config) (*Driver, error) { return &Driver{}, nil }

// Name implements driver.Driver.
func (*Driver) Name() string { return "process" }

// Check implements driver.Driver.
func (*Driver) Check(context.Context) error { return unsupported() }

// Find implements driver.Driver.
func (*Driver) Find(context.Context, string, string, func(string)) (driver.Software, error) {
	return driver.Software{}, unsupported()
}

// Start implements driver.Driver.
func (*Driver) Start(context.Context, driver.Node, driver.Software) (driver.Instance, error) {
	return nil, unsupported()
}

// Halt implements driver.Driver.
func (*Driver) Halt(context.Context, string) error { return nil }

// Remove implements driver.Driver.
func (*Driver) Remove(context.Context, string) error { return nil }

// Nodes implements driver.Driver.
func (*Driver) Nodes(context.Context) ([]driver.State, error) { return nil, nil }

// Log implements driver.Driver.
func (*Driver) Log(context.Context, string, bool) (io.ReadCloser, error) {
	return nil, unsupported()
}

// Close implements driver.Driver.
func (*Driver) Close() error { return nil }
