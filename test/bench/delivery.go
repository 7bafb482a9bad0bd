package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/policy"
	sqs "millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/record"
)

// Modes that measure an outbox, in this process: no client asks for one directly.

// outbox is an outbox over queues of its own, in a folder.
type outbox struct {
	*delivery.Outbox
	targets delivery.Resolvers
	queues  *jetqueue.Queues
	stop    func() error
}

func (b *bench) newOutbox(ctx context.Context) (*outbox, error) {
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return nil, err
	}
	store := backbone.New(backbone.Config{Dir: dir, Sync: backbone.Sync{Every: time.Second}})
	if err := store.Start(ctx); err != nil {
		return nil, err
	}
	records := record.New(store.JetStream(), nil)
	if err := records.Start(ctx); err != nil {
		return nil, errors.Join(err, store.Stop(ctx))
	}
	o := &outbox{queues: jetqueue.New(store, records, jetqueue.Options{}), targets: delivery.Resolvers{}}
	o.targets["sqs"] = target.Queues(func(id sqs.ID) (target.Queue, error) { return o.queues.Get(id) }, false)
	o.Outbox = delivery.New(delivery.Config{
		Queue:   func(ctx context.Context) (delivery.Queue, error) { return delivery.QueueIn(ctx, o.queues) },
		Resolve: o.targets.Resolve,
	})
	o.stop = func() error {
		return errors.Join(o.Stop(ctx), o.queues.Stop(ctx), records.Stop(ctx), store.Stop(ctx), os.RemoveAll(dir))
	}
	if err := errors.Join(o.queues.Start(ctx), o.Start(ctx)); err != nil {
		return nil, errors.Join(err, o.stop())
	}
	return o, nil
}

// event is one whose way begins now.
func (b *bench) event() delivery.Event {
	return delivery.Event{
		ID: "00000000-0000-4000-8000-000000000000", Body: []byte(strings.Repeat("x", b.size)),
		Source: delivery.Source{Principal: policy.Principal{Account: "000000000000"}},
	}
}

// putAll has n callers put events until the time is over.
func (b *bench) putAll(n int, put func() error) (sample, error) {
	samples, errs := make([]sample, n), make([]error, n)
	began := time.Now()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for time.Since(began) < b.duration && errs[i] == nil {
				start := time.Now()
				errs[i] = put()
				samples[i].latencies = append(samples[i].latencies, time.Since(start))
			}
		})
	}
	all.Wait()
	var joined []time.Duration
	for _, s := range samples {
		joined = append(joined, s.latencies...)
	}
	s := sampleOf(joined)
	s.elapsed = time.Since(began)
	return s, errors.Join(errs...)
}

// runDeliver delivers to a queue, which has each event when Put returns.
func (b *bench) runDeliver() (_ sample, err error) {
	ctx := context.Background()
	o, err := b.newOutbox(ctx)
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, o.stop()) }()
	id := sqs.ID{Account: "000000000000", Region: "us-east-1", Name: "bench"}
	if _, err := o.queues.Create(ctx, id, sqs.Config{Visibility: time.Minute, MaxBytes: 1 << 20}); err != nil {
		return sample{}, err
	}
	e, name := b.event(), id.ARN().String()
	return b.putAll(b.conns, func() error { return o.Put(ctx, name, e, delivery.Policy{}) })
}

// runFanOut delivers each event to ten queues, as a topic does.
func (b *bench) runFanOut() (s sample, err error) {
	ctx := context.Background()
	o, err := b.newOutbox(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, o.stop()) }()
	var all []delivery.Delivery
	for i := range 10 {
		id := sqs.ID{Account: "000000000000", Region: "us-east-1", Name: fmt.Sprint("bench", i)}
		if _, err := o.queues.Create(ctx, id, sqs.Config{Visibility: time.Minute, MaxBytes: 1 << 20}); err != nil {
			return s, err
		}
		all = append(all, delivery.Delivery{To: id.ARN().String(), Event: b.event()})
	}
	s, err = b.putAll(b.conns, func() error { return o.PutAll(ctx, all) })
	s.msgs *= len(all)
	return s, err
}

// runOutbox delivers to a Go function, one event at a time: through the outbox.
func (b *bench) runOutbox() (_ sample, err error) {
	ctx := context.Background()
	o, err := b.newOutbox(ctx)
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, o.stop()) }()
	arrived := make(chan struct{}, 1)
	o.targets["bench"] = func(string) (delivery.Target, error) {
		return target.Func(func(context.Context, delivery.Event) (delivery.Reply, error) {
			arrived <- struct{}{}
			return delivery.Reply{}, nil
		}), nil
	}
	e := b.event()
	return b.putAll(1, func() error {
		err := o.Put(ctx, "bench:", e, delivery.Policy{})
		if err == nil {
			<-arrived
		}
		return err
	})
}

// runHanging does the same beside a hundred targets that hang, and have more to do.
func (b *bench) runHanging() (_ sample, err error) {
	ctx := context.Background()
	o, err := b.newOutbox(ctx)
	if err != nil {
		return sample{}, err
	}
	defer func() {
		cut, cancel := context.WithCancel(ctx)
		cancel()
		_ = o.Stop(cut) // says what it cut off
		err = errors.Join(err, o.stop())
	}()
	arrived := make(chan struct{}, 1)
	o.targets["hanging"] = func(string) (delivery.Target, error) {
		return target.Func(func(ctx context.Context, _ delivery.Event) (delivery.Reply, error) {
			<-ctx.Done()
			return delivery.Reply{}, ctx.Err()
		}), nil
	}
	o.targets["good"] = func(string) (delivery.Target, error) {
		return target.Func(func(context.Context, delivery.Event) (delivery.Reply, error) {
			arrived <- struct{}{}
			return delivery.Reply{}, nil
		}), nil
	}
	e := b.event()
	for i := range 100 * 200 {
		if err := o.Put(ctx, fmt.Sprint("hanging:", i%100), e, delivery.Policy{}); err != nil {
			return sample{}, err
		}
	}
	return b.putAll(1, func() error {
		err := o.Put(ctx, "good:", e, delivery.Policy{})
		if err == nil {
			<-arrived
		}
		return err
	})
}

// waiting is how many events wait in an outbox that is stopped.
const waiting = 100_000

// runWaiting measures what an event that waits takes of the memory.
func (b *bench) runWaiting() (s sample, err error) {
	ctx := context.Background()
	o, err := b.newOutbox(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, o.stop()) }()
	if err := o.Stop(ctx); err != nil {
		return s, err
	}
	before := heap()
	e := b.event()
	errs := make([]error, 16)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			for n := i; n < waiting && errs[i] == nil; n += len(errs) {
				errs[i] = o.Put(ctx, fmt.Sprint("bench:", n%100), e, delivery.Policy{})
			}
		})
	}
	all.Wait()
	s.memory = (heap() - before) / waiting
	return s, errors.Join(errs...)
}

// heap is what lives on it, in bytes.
func heap() int {
	runtime.GC()
	runtime.GC() // what is pooled survives the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func bytesBelow(n int) floor {
	return floor{fmt.Sprintf("< %d bytes", n), func(s sample, _ map[string]sample) (string, bool) {
		return fmt.Sprintf("%d bytes", s.memory), s.memory < n
	}}
}
