package broker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"millrace/runtime/store/keys"
)

// A broker whose KMS key cannot be used is quarantined (Amazon MQ Developer Guide,
// "Troubleshooting: RABBITMQ_INVALID_KMS_KEY"). It is stopped: nobody can connect or log
// in, and no listener is left that could be forgotten, while its data stays as it is. It
// runs again as soon as the key can be used again.

// keyTrouble is why the key that the broker's data is encrypted under cannot be used.
func (bs *Brokers) keyTrouble(b Broker) error {
	if _, err := bs.config.Keys.Unwrap(b.Key); unusable(err) {
		return err
	}
	return nil
}

// unusable reports that a key is disabled, to be deleted, or gone.
func unusable(err error) bool {
	return errors.Is(err, keys.ErrDisabled) || errors.Is(err, keys.ErrState) || errors.Is(err, keys.ErrNotFound)
}

// quarantine stops a broker whose key cannot be used, once.
func (w *worker) quarantine(halted, work context.Context, b Broker, why error) time.Duration {
	if !w.quarantined {
		w.brokers.log.Error("the KMS key of a broker cannot be used; the broker is stopped until it can", "broker", w.id, "name", b.Name, "err", why)
		w.brokers.tell(b, "stopped until its KMS key can be used again: %v", why)
		if err := w.brokers.config.Runner.Stop(work, w.id); err != nil {
			w.brokers.log.Error("stopping a broker failed", "broker", w.id, "err", err)
			return w.backOff("")
		}
		w.running, w.quarantined, w.began = nil, true, time.Time{}
	}
	if slices.ContainsFunc(b.Troubles, func(a Action) bool { return a.Code == invalidKey }) {
		return 0
	}
	return w.write(halted, func(b *Broker) { b.failed(invalidKey, why.Error(), time.Now()) })
}

// keyWatch wakes workers when KMS keys have changed.
type keyWatch struct {
	mu    sync.Mutex
	wakes map[chan struct{}]bool // of capacity 1
}

func (k *keyWatch) add(wake chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.wakes == nil {
		k.wakes = map[chan struct{}]bool{}
	}
	k.wakes[wake] = true
}

func (k *keyWatch) remove(wake chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.wakes, wake)
}

// changed never waits.
func (k *keyWatch) changed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for wake := range k.wakes {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}
