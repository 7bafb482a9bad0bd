package lifecycle

import (
	"context"
	"sync"

	"millrace/runtime/fault"
)

// Drain returns when the parts of a group are over. When ctx ends first it calls
// abort, which must make them end at once, and returns a fault.Timeout that says
// what was cut off.
func Drain(ctx context.Context, parts *sync.WaitGroup, abort func(), what string) error {
	over := make(chan struct{})
	go func() {
		parts.Wait()
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		abort()
		<-over
		return fault.Wrap(fault.Timeout, ctx.Err(), "%s were cut off", what)
	}
}
