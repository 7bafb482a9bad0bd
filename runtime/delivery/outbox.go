package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/queue"
	"millrace/runtime/telemetry"
)

// A Queue keeps the events that wait: jetqueue.Queue.
type Queue interface {
	Send(context.Context, ...queue.Message) ([]queue.SendResult, error)
	Receive(context.Context, queue.ReceiveRequest) ([]queue.ReceivedMessage, error)
	Delete(ctx context.Context, handles ...string) []error
	ChangeVisibility(context.Context, ...queue.VisibilityChange) []error
	MessageCount(context.Context) (int, error)
}

// A Config is what an outbox rests on. Queue and Resolve are required.
type Config struct {
	// Queue finds the outbox's queue, and makes it when it is not there: see Open.
	Queue func(context.Context) (Queue, error)

	Resolve Resolver
	Senders map[string]Sender
	Log     *slog.Logger // nil for none
}

// An Outbox delivers events. It is a lifecycle.Part; Put works also while it is
// stopped, and what it takes is delivered after the next Start.
type Outbox struct {
	config Config
	life   lifecycle.StartStop

	mu    sync.Mutex // guards queue, and is held while it is opened
	queue Queue      // nil when it is not known, or has gone
}

// New builds an outbox. Start lets it deliver.
func New(c Config) *Outbox {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Outbox{config: c}
}

// Start implements lifecycle.Part: it goes on with the events that wait.
func (o *Outbox) Start(ctx context.Context) error {
	return o.life.Start(ctx, func(ctx context.Context, run *lifecycle.Run) error {
		if _, err := o.open(ctx); err != nil {
			return err
		}
		r := &receiver{outbox: o, run: run, log: o.config.Log}
		run.Go(r.receive)
		return nil
	})
}

// Stop implements lifecycle.Part: it receives nothing more and waits for the
// attempts under way. Those that it cuts off are made again.
func (o *Outbox) Stop(ctx context.Context) error { return o.life.Stop(ctx, "deliveries") }

// Reset cuts off what is under way and forgets the queue, which whoever owns it
// empties. A Start follows.
func (o *Outbox) Reset(context.Context) error {
	now, cut := context.WithCancel(context.Background())
	cut()
	err := o.Stop(now)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = nil
	if errors.Is(err, fault.Timeout) { // cutting off is what was wanted
		return nil
	}
	return err
}

// open finds the queue.
func (o *Outbox) open(ctx context.Context) (Queue, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.queue != nil {
		return o.queue, nil
	}
	q, err := o.config.Queue(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening the outbox")
	}
	o.queue = q
	return q, nil
}

// lost forgets a queue that has gone.
func (o *Outbox) lost(q Queue) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.queue == q {
		o.queue = nil
	}
}

// attempt makes one attempt, in a span of its own.
func (o *Outbox) attempt(ctx context.Context, t Target, env *envelope) (reply Reply, err error) {
	ctx, done := observe(ctx, env)
	defer func() {
		if p := recover(); p != nil {
			o.config.Log.Error("a target panicked", "to", label(env.To), "event", env.event.ID, "value", fmt.Sprint(p))
			err = fault.New(fault.Internal, "the target panicked")
		}
		done(reply, err)
	}()
	if err := t.Allows(env.event.Source); err != nil {
		return Reply{}, err
	}
	e := env.event
	if parent := telemetry.TraceParent(ctx); parent != "" {
		e.TraceParent = parent
	}
	return t.Deliver(ctx, e)
}

// end hands on what follows from an event whose delivery has ended. Until that is
// durable the event is not done with.
func (o *Outbox) end(ctx context.Context, env *envelope, c Condition, reply Reply, err error) error {
	out := Outcome{To: env.To, Event: env.event, Condition: c, Attempts: env.Attempts, Reply: reply, Err: err, Ended: time.Now(), DeadLetter: env.Policy.DeadLetter}
	s := o.config.Senders[env.Policy.Sender]
	if err := o.follow(ctx, env.Policy, s, out); err != nil {
		return err // it ends again
	}
	observeEnd(ctx, env, c)
	o.tellEnded(s, out)
	return nil
}

// follow makes durable what a policy has follow from the end of a delivery.
func (o *Outbox) follow(ctx context.Context, p Policy, s Sender, out Outcome) error {
	if out.Condition == Success {
		return o.handOn(ctx, p.OnSuccess, "", s.Record, out)
	}
	level := slog.LevelWarn // it is lost
	if p.DeadLetter != "" || p.OnFailure != "" {
		level = slog.LevelDebug
	}
	o.config.Log.Log(ctx, level, "an event was not delivered", "to", label(out.To), "event", out.Event.ID, "condition", string(out.Condition),
		"attempts", out.Attempts, "deadLetter", label(p.DeadLetter), "onFailure", label(p.OnFailure), "err", reason(out.Reply, out.Err))
	return errors.Join(o.handOn(ctx, p.DeadLetter, s.DeadLetters, s.DeadLetter, out), o.handOn(ctx, p.OnFailure, "", s.Record, out))
}

// tellEnded tells a sender that a delivery has ended.
func (o *Outbox) tellEnded(s Sender, out Outcome) {
	if s.Ended == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			o.config.Log.Error("a sender panicked when it was told of an end", "to", label(out.To), "event", out.Event.ID, "value", fmt.Sprint(p))
		}
	}()
	s.Ended(out)
}

// reason is why the last attempt failed, for the log.
func reason(reply Reply, err error) any {
	if err != nil {
		return err
	}
	return cmp.Or(reply.Reason, reply.Failure)
}

// handingOn is how hard a dead letter or a record is tried: its target is a queue
// as a rule, which takes it at once.
var handingOn = Policy{MaxAge: 24 * time.Hour, Failed: Backoff{{First: time.Second, Last: 5 * time.Minute}}}

func (o *Outbox) handOn(ctx context.Context, to, sender string, form func(Outcome) Event, out Outcome) error {
	if to == "" {
		return nil
	}
	e := out.Event
	if form != nil {
		e = form(out)
	}
	e.SeqSource, e.Seq = 0, 0 // were for the first target; here events arrive in any order
	p := handingOn
	p.Sender = sender
	err := o.Put(ctx, to, e, p)
	if errors.Is(err, fault.TooLarge) { // nothing can keep it, however often it is tried
		o.config.Log.Warn("what follows from an event is too large to be kept", "to", label(to), "event", out.Event.ID, "err", err)
		return nil
	}
	return err
}

// Waiting is how many events wait in the outbox or are under way, of all senders.
func (o *Outbox) Waiting(ctx context.Context) (int, error) {
	q, err := o.open(ctx)
	if err != nil {
		return 0, err
	}
	n, err := q.MessageCount(ctx)
	if errors.Is(err, fault.NotFound) { // it has gone, and is made anew by the next event
		return 0, nil
	}
	return n, err
}
