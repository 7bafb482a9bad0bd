package delivery

import "context"

// A BatchTarget takes several events at less than the price of a Deliver for each.
type BatchTarget interface {
	Target

	// DeliverAll is Deliver for events one after another: it returns how many were taken,
	// which are the first ones, and the error of the one behind them; nil when all were
	// taken. After an error that is not final, events behind may have been taken
	// as well, as an event whose Deliver fails may have been: so events whose order matters
	// have numbers.
	DeliverAll(ctx context.Context, events []Event) (taken int, err error)
}

// DeliverAll delivers events to a target in their order, in batches if it takes those. It
// returns what DeliverAll of a BatchTarget does.
func DeliverAll(ctx context.Context, t Target, events []Event) (taken int, err error) {
	if batches, ok := t.(BatchTarget); ok {
		return batches.DeliverAll(ctx, events)
	}
	for i := range events {
		if _, err := t.Deliver(ctx, events[i]); err != nil {
			return i, err
		}
	}
	return len(events), nil
}
