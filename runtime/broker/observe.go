package broker

import (
	"context"
	"io"
	"time"

	"millrace/runtime/broker/metrics"
	"millrace/runtime/fault"
)

// Log writes what is kept of the output of a broker, as Runner.Log does.
func (bs *Brokers) Log(ctx context.Context, id, node string, follow bool, w io.Writer) error {
	b, err := bs.here(id)
	if err != nil {
		return err
	}
	return bs.config.Runner.Log(ctx, b.ID, node, follow, w)
}

// Metrics is what was measured of a broker at each minute since an instant, or at the
// newest for the zero time.
func (bs *Brokers) Metrics(id string, from time.Time) ([]metrics.Series, error) {
	b, err := bs.here(id)
	if err != nil {
		return nil, err
	}
	return bs.config.Runner.Metrics(b.ID, from), nil
}

// here finds a broker that this runtime runs.
func (bs *Brokers) here(id string) (Broker, error) {
	b, err := bs.find(id)
	if err == nil && b.Home != bs.config.Home {
		err = refuse(fault.Invalid, "broker-id", "Broker [%s] is run by another runtime: ask that one.", b.ID)
	}
	return b, err
}
