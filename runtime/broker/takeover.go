package broker

import (
	"context"
	"errors"
	"slices"

	"millrace/runtime/fault"
)

// Elsewhere are the homes of brokers that other runtimes run.
func (bs *Brokers) Elsewhere() (homes []string) {
	for _, b := range bs.table.List("") {
		if b.Home != bs.config.Home && !slices.Contains(homes, b.Home) {
			homes = append(homes, b.Home)
		}
	}
	return homes
}

// TakeOver makes this runtime the home of the brokers of another one, which has ended: they
// are run here from now on, and stay here when it comes back. The Runner has to reach what
// that runtime has left of them.
func (bs *Brokers) TakeOver(ctx context.Context, from string) error {
	for _, b := range bs.table.List("") {
		if b.Home != from {
			continue
		}
		_, err := bs.change(ctx, b.key(), func(b *Broker) error {
			if b.Home != from { // somebody was faster
				return fault.New(fault.Conflict, "broker %s has another home already", b.ID)
			}
			b.Home = bs.config.Home
			b.died()
			return nil
		})
		switch {
		case err == nil:
			bs.log.Warn("the runtime of a broker has ended; it is run here from now on", "broker", b.ID, "name", b.Name)
		case !errors.Is(err, fault.Conflict) && !errors.Is(err, fault.NotFound):
			return err
		}
	}
	return nil
}
