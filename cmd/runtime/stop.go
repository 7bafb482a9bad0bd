package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"millrace/cmd/runtime/app"
)

type stopCmd struct {
	target
	Grace time.Duration `default:"35s" help:"How long to wait for it to finish."`
	Purge bool          `help:"Remove all that it has stored too: the data folder, and the brokers with their containers, volumes and networks. A runtime that does not run anymore is purged as well."`
}

// Run asks the holder of the data folder to end, and waits until it has let go.
func (c *stopCmd) Run(ctx context.Context, term terminal) error {
	if data := cmp.Or(c.Data, defaultData); c.Purge && c.Endpoint == "" && !app.Held(data) && app.Exists(data) {
		return purge(ctx, data, term)
	}
	data, err := c.folder(ctx)
	if err != nil {
		return err
	}
	if err := c.stop(ctx, data, term); err != nil || !c.Purge {
		return err
	}
	return purge(ctx, data, term)
}

func purge(ctx context.Context, data string, term terminal) error {
	if err := app.Purge(ctx, app.Config{Data: data}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(term.out, "Removed all that was stored in %s\n", data)
	return err
}

func (c *stopCmd) stop(ctx context.Context, data string, term terminal) error {
	holder, err := app.ReadHolder(data)
	if err != nil {
		return fmt.Errorf("a process holds %s, but did not say which: %w", data, err)
	}
	process, err := os.FindProcess(holder.PID)
	if err != nil {
		return err
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping process %d: %w", holder.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Grace)
	defer cancel()
	for app.Held(data) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("process %d is still finishing after %v", holder.PID, c.Grace)
			}
			return ctx.Err()
		}
	}
	fmt.Fprintf(term.out, "Stopped the runtime at %s (process %d)\n", holder.Endpoint, holder.PID)
	return nil
}
