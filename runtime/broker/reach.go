package broker

import (
	"context"
	"strings"
	"sync"

	"millrace/runtime/broker/catalog"
)

// A Reach says where clients reach a broker.
type Reach struct {
	Engine   catalog.Engine
	State    State
	Endpoint string // "amqps://host:port" of its first instance; "" before it has run
	Root     []byte // PEM of the authority that signed its certificate

	// Changed is closed once the broker's record is written, or removed, or made.
	Changed <-chan struct{}
}

// Reach finds where a broker of an account in a region can be reached. When that is a
// fault.NotFound, Changed is of use all the same: the broker may be made yet.
func (bs *Brokers) Reach(ctx context.Context, account, region, id string) (Reach, error) {
	r := Reach{Changed: bs.written.after(account + "/" + region + "/" + id)} // before it is read
	b, err := bs.Get(ctx, account, region, id)
	if err != nil {
		return r, err
	}
	r.Engine, r.State, r.Root = b.Engine, b.State, b.Root
	if len(b.Instances) > 0 {
		for _, e := range b.Instances[0].Endpoints {
			if strings.HasPrefix(e, "amqps://") {
				r.Endpoint = e
				break
			}
		}
	}
	return r, nil
}

// A writes tells those who wait when a record is written. The zero writes is ready.
type writes struct {
	mu      sync.Mutex // guards waiting
	waiting map[string]chan struct{}
}

// after is closed when the record of a key is written the next time.
func (w *writes) after(key string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.waiting[key]
	if c == nil {
		if w.waiting == nil {
			w.waiting = map[string]chan struct{}{}
		}
		c = make(chan struct{})
		w.waiting[key] = c
	}
	return c
}

// told says that the record of a key was written.
func (w *writes) told(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.waiting[key]; c != nil {
		close(c)
		delete(w.waiting, key)
	}
}
