package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/runtime/fault"
)

// A worker follows the record of one broker, and has the Runner do what it asks for. It
// alone calls the Runner for its broker.
type worker struct {
	brokers *Brokers
	key, id string

	wake  chan struct{} // of capacity 1: the record was written
	calls chan call
	ended chan struct{} // closed when Run is over

	mu     sync.Mutex         // guards cancel
	cancel context.CancelFunc // of the Run under way; nil when there is none

	// Of the goroutine of Run.
	running     *Running  // nil while nothing runs
	alarms      *[]Action // that are in effect in it; nil when it has not told yet
	held        string    // why it is not run, while it is written that a condition lasts
	provoked    []string  // codes of the real faults that it has
	quarantined bool      // it was stopped because its key cannot be used
	removed     bool
	began       time.Time // of the creation or reboot under way; zero for none
	up          time.Time // when it last came up
	retry       time.Duration
	notBefore   time.Time // of the next attempt at what a state asks for
	failedIn    State     // that state: another one is not waited with
}

// A call is what a request wants done with a broker that runs.
type call struct {
	doing  string // "given other users", for a refusal
	do     func(b Broker) error
	answer chan error // of capacity 1
}

func newWorker(bs *Brokers, key string, b Broker) *worker {
	return &worker{brokers: bs, key: key, id: b.ID, wake: make(chan struct{}, 1), calls: make(chan call), ended: make(chan struct{})}
}

// Keep implements workers.Worker. A broker that is to be deleted need not come up first.
func (w *worker) Keep(b Broker) bool {
	if b.ID != w.id {
		return false
	}
	if b.State == Deleting {
		w.mu.Lock()
		if w.cancel != nil {
			w.cancel()
		}
		w.mu.Unlock()
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

// Run implements workers.Worker.
func (w *worker) Run(halted, work context.Context) {
	defer close(w.ended)
	w.brokers.keyWatch.add(w.wake)
	defer w.brokers.keyWatch.remove(w.wake)
	defer w.stop(work)
	for halted.Err() == nil {
		b, ok := w.brokers.table.Get(w.key)
		if !ok {
			return
		}
		wait := w.step(halted, work, b)
		if w.removed {
			return
		}
		w.idle(halted, wait)
	}
}

// stop ends what runs when the worker ends: for good if the record is gone.
func (w *worker) stop(work context.Context) {
	var err error
	if _, ok := w.brokers.table.Get(w.key); !ok && !w.removed {
		err = w.brokers.config.Runner.Remove(work, w.id)
	} else if !w.removed { // a failed reboot may have left some of it
		err = w.brokers.config.Runner.Stop(work, w.id)
	}
	if err != nil {
		w.brokers.log.Error("stopping a broker failed", "broker", w.id, "err", err)
	}
}

// idle waits until the record was written, the broker has died, or wait is over, which
// is for ever if it is zero; and carries out calls meanwhile.
func (w *worker) idle(halted context.Context, wait time.Duration) {
	var later <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		later = t.C
	}
	var died <-chan struct{}
	var alarms <-chan []Action
	if w.running != nil {
		died, alarms = w.running.Done, w.running.Alarms
	}
	for {
		select {
		case <-halted.Done():
		case <-w.wake:
		case <-later:
		case <-died:
		case a := <-alarms:
			w.alarms = &a
		case c := <-w.calls:
			c.answer <- w.carryOut(c)
			continue
		}
		return
	}
}

// step does what the record asks for, and is to be called again when that changes, or
// after wait unless it is zero.
func (w *worker) step(halted, work context.Context, b Broker) (wait time.Duration) {
	planned := b.State == Creating || b.State == Rebooting && !b.Unplanned
	if wait := time.Until(w.notBefore); wait > 0 && b.State == w.failedIn && !planned && w.running == nil {
		return wait
	}
	switch b.State {
	case Deleting:
		return w.remove(work, b)
	case CreationFailed:
		return 0
	case Creating, Rebooting:
		return w.bringUp(halted, work, b)
	}
	if why := w.brokers.keyTrouble(b); why != nil {
		return w.quarantine(halted, work, b, why)
	}
	switch {
	case w.running == nil:
		return w.bringUp(halted, work, b)
	case w.dead():
		return w.buried(halted, b)
	}
	if wait := w.tellAlarms(halted, b); wait > 0 {
		return wait
	}
	expires, ok := w.faultsIn(halted, b)
	if !ok || !b.waits() {
		return expires
	}
	due := b.Window.due(b.Waiting, time.Now())
	if wait := time.Until(due); wait > 0 {
		return sooner(wait, expires)
	}
	w.brokers.log.Info("the maintenance window of a broker opens", "broker", w.id, "name", b.Name)
	return w.write(halted, func(b *Broker) { b.openWindow(time.Now()) })
}

// tellAlarms writes which alarms are in effect in the running broker, when that is news.
func (w *worker) tellAlarms(ctx context.Context, b Broker) time.Duration {
	before := slices.DeleteFunc(slices.Clone(b.Troubles), func(a Action) bool { return !a.IsAlarm() })
	if w.alarms == nil || slices.Equal(before, *w.alarms) {
		return 0
	}
	log := w.brokers.log.With("broker", w.id, "name", b.Name)
	for _, a := range *w.alarms {
		log.Warn("an alarm is in effect in a broker, which blocks publishers", "code", a.Code)
	}
	if len(*w.alarms) == 0 {
		log.Info("no alarm is in effect in a broker anymore")
	}
	return w.write(ctx, func(b *Broker) { b.alarmed(*w.alarms) })
}

// bringUp starts the broker, anew if it runs, and writes what came of it.
func (w *worker) bringUp(halted, work context.Context, b Broker) time.Duration {
	log := w.brokers.log.With("broker", w.id, "name", b.Name)
	if w.began.IsZero() {
		w.began = time.Now()
	}
	if w.running != nil {
		log.Info("a broker is rebooting")
		w.brokers.tell(b, "rebooting")
	}
	next := b.next()
	r, err := w.run(halted, work, next)
	if err != nil && halted.Err() == nil {
		w.running = nil // or what runs is not known
	}
	switch {
	case err == nil:
		w.running, w.alarms, w.up, w.notBefore = &r, nil, time.Now(), time.Time{}
		w.provoked, w.quarantined, w.held = nil, false, ""
		if wait := w.write(halted, func(b *Broker) { b.started(next, r) }); wait > 0 {
			return wait
		}
		after := time.Since(w.began).Round(time.Millisecond)
		log.Info("a broker is running", "software", r.Software, "after", after)
		w.brokers.tell(b, "running after %v%s", after, where(r))
		w.began = time.Time{}
		return 0
	case halted.Err() != nil || w.unwanted():
		return 0
	}
	if why, told := fault.Told(err); told && b.State != Creating {
		return w.hold(halted, b, why)
	}
	log.Error("running a broker failed", "err", err)
	w.brokers.tell(b, "failed after %v: %v", time.Since(w.began).Round(time.Millisecond), err)
	wait := w.backOff(b.State)
	if b.State == Up {
		w.failedIn = Rebooting
	}
	w.write(halted, func(b *Broker) { b.failed(codeOf(b, err), err.Error(), time.Now()) })
	if b.State == Creating {
		w.began = time.Time{}
	}
	return wait
}

// hold writes why the broker is not run, which whoever noticed has logged: a condition
// that lasts, such as a full disk. Each second it is tried whether it is over.
func (w *worker) hold(halted context.Context, b Broker, why string) time.Duration {
	if w.held != why {
		w.brokers.tell(b, "is not started: %s", why)
		if w.write(halted, func(b *Broker) { b.failed("REBOOT_FAILED", why, time.Now()) }) == 0 { // else again: on a full disk this may fail too
			w.held = why
		}
	}
	w.retry, w.failedIn, w.notBefore = 0, Rebooting, time.Now().Add(time.Second)
	return time.Second
}

// run has the Runner run the broker, or reboot it if it runs, until it is to be deleted or
// the worker halts.
func (w *worker) run(halted, work context.Context, b Broker) (Running, error) {
	ctx, cancel := context.WithCancel(halted)
	defer cancel()
	w.setCancel(cancel)
	defer w.setCancel(nil)
	if w.unwanted() {
		return Running{}, context.Canceled
	}
	d, err := w.brokers.desired(ctx, b)
	if err != nil && w.running != nil { // it must not go on as it was
		err = errors.Join(err, w.brokers.config.Runner.Stop(work, w.id))
	}
	if err != nil {
		return Running{}, err
	}
	if w.running != nil {
		return w.brokers.config.Runner.Reboot(ctx, d)
	}
	return w.brokers.config.Runner.Run(ctx, d)
}

func (w *worker) setCancel(cancel context.CancelFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel = cancel
}

// unwanted reports whether the broker need not come up anymore.
func (w *worker) unwanted() bool {
	b, ok := w.brokers.table.Get(w.key)
	return !ok || b.State == Deleting
}

// buried writes that the broker has died, to be run again.
func (w *worker) buried(halted context.Context, b Broker) time.Duration {
	var err error
	if w.running.Err != nil {
		err = w.running.Err()
	}
	w.brokers.log.Error("a broker has died; it is run again", "broker", w.id, "name", b.Name, "err", err)
	w.brokers.tell(b, "died, and is started again: %v", err)
	w.running, w.began = nil, time.Now()
	if time.Since(w.up) > longestRetry {
		w.retry = 0
	}
	wait := w.backOff(Rebooting)
	w.write(halted, (*Broker).died)
	return wait
}

func (w *worker) dead() bool {
	if w.running.Done == nil {
		return false
	}
	select {
	case <-w.running.Done:
		return true
	default:
		return false
	}
}

// remove ends the broker, and then its record and name.
func (w *worker) remove(work context.Context, b Broker) time.Duration {
	start := time.Now()
	err := w.brokers.config.Runner.Remove(work, w.id)
	if err == nil {
		w.running = nil
		err = w.brokers.forget(work, b)
	}
	if err != nil {
		w.brokers.log.Error("deleting a broker failed; it is tried again", "broker", w.id, "name", b.Name, "err", err)
		return w.backOff(Deleting)
	}
	w.removed = true
	after := time.Since(start).Round(time.Millisecond)
	w.brokers.log.Info("a broker is deleted", "broker", w.id, "name", b.Name, "after", after)
	w.brokers.tell(b, "deleted after %v", after)
	return 0
}

// tell says a line about a broker to whoever watches.
func (bs *Brokers) tell(b Broker, format string, args ...any) {
	if bs.config.Tell != nil {
		bs.config.Tell(b.Name, fmt.Sprintf(format, args...))
	}
}

// where says what runs, and where clients find it.
func where(r Running) string {
	if r.Software == "" {
		return ""
	}
	text := ": " + r.Software
	for _, i := range r.Instances {
		text += ", " + strings.Join(i.Endpoints, " ") + ", console " + i.ConsoleURL
	}
	return text
}

// forget removes the record of a broker, and then frees its name.
func (bs *Brokers) forget(ctx context.Context, b Broker) error {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if err := ignoreNotFound(bs.table.Delete(ctx, b.key())); err != nil {
		return err
	}
	bs.written.told(b.key())
	if c, ok := bs.names.Get(b.nameKey()); !ok || c.ID != b.ID {
		return nil
	}
	return ignoreNotFound(bs.names.Delete(ctx, b.nameKey()))
}

// write changes the record, and says how long to wait before trying again when that
// fails.
func (w *worker) write(ctx context.Context, change func(*Broker)) time.Duration {
	_, err := w.brokers.change(ctx, w.key, func(b *Broker) error { change(b); return nil })
	if ignoreNotFound(err) == nil || ctx.Err() != nil {
		return 0
	}
	if _, told := fault.Told(err); !told {
		w.brokers.log.Error("storing the state of a broker failed", "broker", w.id, "err", err)
	}
	return w.backOff("")
}

const longestRetry = time.Minute

// backOff returns how long to wait before the next attempt at what a state asks for:
// 1 second, and twice as long each time, up to a minute.
func (w *worker) backOff(s State) time.Duration {
	if s != w.failedIn {
		w.retry = 0
	}
	w.failedIn = s
	w.retry = min(max(2*w.retry, time.Second), longestRetry)
	w.notBefore = time.Now().Add(w.retry)
	return w.retry
}

// call has the worker do something with the running broker, and waits for that.
func (w *worker) call(ctx context.Context, doing string, do func(b Broker) error) error {
	c := call{doing, do, make(chan error, 1)}
	select {
	case w.calls <- c:
		return <-c.answer
	case <-w.ended:
		return fault.New(fault.Unavailable, "the runtime is stopping")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *worker) carryOut(c call) error {
	b, ok := w.brokers.table.Get(w.key)
	if !ok || w.running == nil || b.State != Up && b.State != Critical {
		return notWhile(&b, c.doing)
	}
	return c.do(b)
}

// codeOf is the code of the action that an error asks for.
func codeOf(b *Broker, err error) string {
	switch {
	case b.State == Creating:
		return "CREATION_FAILED"
	case unusable(err):
		return invalidKey
	}
	return "REBOOT_FAILED"
}
