package live

import (
	"context"

	"millrace/runtime/fault"
)

// Provoke implements broker.Runner. The alarms that come of it are told at once.
func (r *Runner) Provoke(ctx context.Context, id, code string, on bool) error {
	run := r.at(id)
	if run == nil {
		return fault.New(fault.Conflict, "The broker is not running.")
	}
	_, control := run.now()
	if err := control.Provoke(ctx, code, on); err != nil {
		return err
	}
	select {
	case run.recheck <- struct{}{}:
	default: // somebody has asked for that already
	}
	return nil
}
