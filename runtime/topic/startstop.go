package topic

import (
	"context"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
)

// Start implements lifecycle.Part: it reads the records and follows them.
func (ts *Topics) Start(ctx context.Context) error {
	return ts.life.Start(ctx, func(ctx context.Context, run *lifecycle.Run) error {
		for _, key := range ts.topics.Keys("") {
			ts.reflectTopic(key)
		}
		for _, key := range ts.subs.Keys("") {
			ts.reflectSubscription(key)
		}
		if err := ts.sweepAll(ctx); err != nil {
			return err
		}
		if err := ts.openLogs(ctx); err != nil {
			return err
		}
		run.Go(func() { ts.follow(run.Halted()) })
		return nil
	})
}

// openLogs has the logs of FIFO topics kept and read as the records say, and removes those
// whose topics are gone.
func (ts *Topics) openLogs(ctx context.Context) error {
	topics := map[string]*Topic{}
	ts.mu.RLock()
	for id, s := range ts.states {
		if s.topic != nil && id.FIFO() {
			topics[s.topic.Generation] = s.topic
		}
	}
	ts.mu.RUnlock()
	for _, t := range topics {
		if err := ts.retain(ctx, t); err != nil {
			return err
		}
		follows := map[string]bool{}
		for _, s := range ts.Subscriptions(t.ID) {
			if err := ts.syncReader(ctx, s.key()); err != nil {
				return err
			}
			follows[s.readerID()] = true
		}
		if ts.config.Shared {
			continue // another runtime may know a subscription that this one does not know yet
		}
		for _, id := range ts.config.Logs.Readers(t.Generation) { // of subscriptions that a kill left half deleted
			if follows[id] {
				continue
			}
			if err := ts.config.Logs.Forget(ctx, t.Generation, id); err != nil {
				return err
			}
		}
	}
	if ts.config.Shared {
		return nil // the same holds for topics
	}
	return ts.removeLogs(ctx)
}

// removeLogs removes the logs of FIFO topics that are gone.
func (ts *Topics) removeLogs(ctx context.Context) error {
	kept := map[string]bool{}
	ts.mu.RLock()
	for _, s := range ts.states {
		if s.topic != nil {
			kept[s.topic.Generation] = true
		}
	}
	ts.mu.RUnlock()
	for _, log := range ts.config.Logs.Names() {
		if kept[log] {
			continue
		}
		if err := ts.config.Logs.Delete(ctx, log); err != nil {
			return err
		}
	}
	return nil
}

// sweepAll removes what a Delete that was cut off has left.
func (ts *Topics) sweepAll(ctx context.Context) error {
	ts.mu.RLock()
	var orphaned []ID
	for id, s := range ts.states {
		for _, sub := range s.subs {
			if s.topic == nil || sub.Generation != s.topic.Generation {
				orphaned = append(orphaned, id)
				break
			}
		}
	}
	ts.mu.RUnlock()
	for _, id := range orphaned {
		if err := ts.sweep(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// Stop implements lifecycle.Part.
func (ts *Topics) Stop(ctx context.Context) error { return ts.life.Stop(ctx, "topics") }

// Reset removes all topics and subscriptions, and what is on its way in FIFO topics. What
// is made meanwhile stays.
func (ts *Topics) Reset(ctx context.Context) error {
	for _, key := range ts.topics.Keys("") {
		id, ok := parseKey(key)
		if !ok {
			continue
		}
		if err := ts.Delete(ctx, id); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	return errors.Join(ts.resetSMS(ctx), ts.forgetEnded(ctx), ts.sweepAll(ctx), ts.removeLogs(ctx))
}
