package app

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"millrace/runtime/telemetry"
)

// measureDepths lets whoever exports metrics see how deep each queue is, at the
// moment of the export. Without an exporter it does nothing.
func (a *App) measureDepths() error {
	if !telemetry.Metering() {
		return nil
	}
	meter := otel.Meter("millrace/queue")
	depth, err := meter.Int64ObservableGauge("messaging.queue.depth",
		metric.WithUnit("{message}"), metric.WithDescription("Messages in a queue, by queue and state: visible, in_flight, delayed."))
	if err != nil {
		return err
	}
	registration, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		for _, q := range a.allQueues() {
			n, err := q.Counts(ctx)
			if err != nil {
				continue // closing
			}
			name := attribute.String("messaging.destination.name", q.ID().ARN().String())
			for state, count := range map[string]int{"visible": n.Visible, "in_flight": n.InFlight, "delayed": n.Delayed} {
				o.ObserveInt64(depth, int64(count), metric.WithAttributes(name, attribute.String("state", state)))
			}
		}
		return nil
	}, depth)
	if err != nil {
		return err
	}
	a.stack.Push("queue metrics", func(context.Context) error { return registration.Unregister() })
	return nil
}
