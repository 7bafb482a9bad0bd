package docker

import (
	"context"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"millrace/runtime/fault"
)

// call makes one call to the engine, which must be over in time: an engine may hang.
func call[T any](ctx context.Context, d *Driver, what string, f func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	v, err := f(bounded)
	if err == nil {
		return v, nil
	}
	if ctx.Err() == nil && bounded.Err() != nil {
		return v, fault.New(fault.Unavailable, "%s: the Docker engine at %s did not answer within %v", what, d.client.DaemonHost(), d.timeout)
	}
	return v, explain(ctx, what, err)
}

// explain gives an error of the engine a code. The cause stays for the checks of
// package errdefs.
func explain(ctx context.Context, what string, err error) error {
	code := fault.Unavailable
	switch {
	case ctx.Err() != nil:
		code = fault.Of(ctx.Err())
	case client.IsErrConnectionFailed(err):
	case errdefs.IsNotFound(err):
		code = fault.NotFound
	case errdefs.IsConflict(err), portTaken(err):
		code = fault.Conflict
	case errdefs.IsInvalidArgument(err):
		code = fault.Invalid
	}
	return fault.Wrap(code, err, "%s", what)
}

// portTaken reports that somebody else listens where a container should. The engine
// has no code for it.
func portTaken(err error) bool {
	text := err.Error()
	return strings.Contains(text, "port is already allocated") || strings.Contains(text, "address already in use")
}

// oneLine is an error's text without the advice and the empty lines that the client adds.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
