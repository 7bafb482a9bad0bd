package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/sandbox/spawner"
)

// A Config tunes a Pool. The zero Config is ready to use.
type Config struct {
	// Endpoint returns the AWS_ENDPOINT_URL of the processes; if it is nil or returns
	// "", none is set.
	Endpoint func() string

	// Temp is the absolute path of the folder that holds the temporary folders of
	// processes; "" means the system's own.
	Temp string

	// Max bounds the number of environments; 0 means 1000, Lambda's concurrency quota
	// of an account.
	Max int

	// IdleAfter is how long an environment is kept warm; 0 means 10 minutes.
	IdleAfter time.Duration

	// Output gets what functions print and why they failed, in lines that begin with
	// the function's name; nil for none.
	Output io.Writer

	// OnLog gets every line of every function's log. It is called in order for
	// each LogStream, by many goroutines at once, and must not block.
	OnLog func(Line)

	Log *slog.Logger // nil for none
}

func (c *Config) endpoint() string {
	if c.Endpoint == nil {
		return ""
	}
	return c.Endpoint()
}

// A Pool keeps execution environments and runs events in them. It is a
// lifecycle.Part, and safe for concurrent use.
type Pool struct {
	cfg  Config
	life lifecycle.StartStop

	output  sync.Mutex     // of cfg.Output
	events  sync.WaitGroup // events being run, and environments being ended
	spawner spawner.Spawner

	mu       sync.Mutex // all below
	session  *session   // nil while stopped
	aborted  int        // events that the last Stop aborted
	handlers map[string]lambda.Handler
	busy     map[*environment]struct{}
	perARN   map[string]int // busy ones of each function
	idle     []*environment // the one idle for longest first
	reaper   *time.Timer    // set for the first of idle; nil when there is none
}

// A session is from a Start to its Stop.
type session struct {
	aborted chan struct{}  // closed when events are to be aborted
	calls   sync.WaitGroup // Go handlers at work; one may go on after its event
}

// New builds a pool with no environments. It takes events once it is started.
func New(c Config) *Pool {
	c.Max = cmp.Or(c.Max, 1000)
	c.IdleAfter = cmp.Or(c.IdleAfter, 10*time.Minute)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Pool{
		cfg:      c,
		handlers: map[string]lambda.Handler{},
		busy:     map[*environment]struct{}{},
		perARN:   map[string]int{},
	}
}

// Invoke runs one event and returns its result, which may be a function's failure. It is
// fault.Throttled when as many environments are busy as may be, and fault.Unavailable
// when none can be started or the pool is not running. When ctx ends first, Invoke returns;
// the event still runs to its end.
func (p *Pool) Invoke(ctx context.Context, s Spec, req Request) (Result, error) {
	e, err := p.acquire(s)
	if err != nil {
		return Result{}, err
	}
	type outcome struct {
		result Result
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		defer p.events.Done()
		result, err := e.run(req)
		if err != nil {
			p.cfg.Log.Warn("an event could not be run", "function", s.ARN, "request", req.ID, "err", err)
		}
		kept := p.release(e)
		done <- outcome{result, err}
		if !kept {
			e.close()
		}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		err := context.Cause(ctx)
		return Result{}, fault.Wrap(fault.Of(ctx.Err()), err, "the caller canceled the request")
	}
}

// Retire ends the environments of an outdated Spec.Key: idle ones now, busy ones after
// their event.
func (p *Pool) Retire(key string) {
	p.retire(func(e *environment) bool { return e.spec.Key == key })
}

// Handle makes h run the events of a function, named by its ARN without a qualifier, from
// the next event on; a nil h makes processes run them again.
func (p *Pool) Handle(arn string, h lambda.Handler) {
	p.mu.Lock()
	p.handlers[arn] = h
	p.mu.Unlock()
	p.retire(func(e *environment) bool { return e.spec.ARN == arn })
}

// Start lets the pool take events.
func (p *Pool) Start(ctx context.Context) error {
	return p.life.Start(ctx, func(_ context.Context, run *lifecycle.Run) error {
		s := &session{aborted: make(chan struct{})}
		p.mu.Lock()
		p.session, p.aborted = s, 0
		p.mu.Unlock()
		run.Cleanup(func(context.Context) error { p.spawner.Stop(); return nil }) // it kills all processes that are left
		run.Go(func() { p.drain(run, s) })
		return nil
	})
}

// Stop refuses new events and waits for running ones until ctx ends; then it aborts them
// and returns fault.Timeout. When it returns no process is left, nor a goroutine, except
// for Go handlers that ignore their context.
func (p *Pool) Stop(ctx context.Context) error {
	err := p.life.Stop(ctx, "events")
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(err, fault.Timeout) && p.aborted == 0 {
		return nil // only Go handlers are left, whose events had timed out before
	}
	return err
}

// drain waits for the halt, then until all events are over, and aborts those that take
// longer than the run's work may.
func (p *Pool) drain(run *lifecycle.Run, s *session) {
	<-run.Halted().Done()
	p.mu.Lock()
	p.session = nil
	p.dropLocked(func(*environment) bool { return true })
	p.mu.Unlock()

	done := make(chan struct{})
	go func() {
		p.events.Wait()
		s.calls.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-run.Work().Done():
	}
	p.mu.Lock()
	p.aborted = len(p.busy)
	p.mu.Unlock()
	close(s.aborted)
	p.events.Wait()
}

// acquire returns an environment for one event: the idle one used last, or a new one. The
// caller runs the event, releases the environment, and calls events.Done.
func (p *Pool) acquire(s Spec) (*environment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil {
		return nil, fault.New(fault.Unavailable, "the runtime is stopping")
	}
	if n := p.perARN[s.ARN]; len(p.busy) >= p.cfg.Max || s.MaxEnvironments > 0 && n >= s.MaxEnvironments {
		return nil, fault.New(fault.Throttled, "too many environments of %s are busy", s.Name)
	}
	e := p.warmLocked(s.Key)
	if e == nil {
		if len(p.idle) > 0 && len(p.busy)+len(p.idle) >= p.cfg.Max {
			oldest := p.idle[0]
			p.dropLocked(func(e *environment) bool { return e == oldest })
		}
		e = p.newLocked(s)
	}
	p.events.Add(1)
	p.busy[e] = struct{}{}
	p.perARN[s.ARN]++
	return e, nil
}

func (p *Pool) warmLocked(key string) *environment {
	for i, e := range slices.Backward(p.idle) {
		if e.spec.Key == key {
			p.idle = slices.Delete(p.idle, i, i+1)
			return e
		}
	}
	return nil
}

func (p *Pool) newLocked(s Spec) *environment {
	e := &environment{spec: s, needsInit: true, aborted: p.session.aborted, start: p.startProcess}
	if h := p.handlers[s.ARN]; h != nil {
		calls := &p.session.calls
		e.start = func(*environment) (runtimeProcess, *failure, error) { return newHandlerProcess(h, calls), nil, nil }
	}
	var id [16]byte
	rand.Read(id[:])
	e.journal = &journal{emit: p.log, head: Line{
		Function: s.ARN, Name: s.Name, LogGroup: cmp.Or(s.LogGroup, "/aws/lambda/"+s.Name),
		LogStream: fmt.Sprintf("%s/[%s]%x", time.Now().UTC().Format("2006/01/02"), s.Version, id),
	}}
	return e
}

// release returns an environment to the pool after its event. It reports false if the
// caller must close the environment instead.
func (p *Pool) release(e *environment) (kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, e)
	if p.perARN[e.spec.ARN]--; p.perARN[e.spec.ARN] == 0 {
		delete(p.perARN, e.spec.ARN)
	}
	if e.unusable || e.retired || p.session == nil {
		return false
	}
	e.idle = time.Now()
	p.idle = append(p.idle, e)
	p.setReaperLocked()
	return true
}

func (p *Pool) retire(match func(*environment) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := range p.busy {
		if match(e) {
			e.retired = true
		}
	}
	p.dropLocked(match)
}

// dropLocked closes the idle environments that match.
func (p *Pool) dropLocked(match func(*environment) bool) {
	p.idle = slices.DeleteFunc(p.idle, func(e *environment) bool {
		if match(e) {
			p.events.Go(e.close)
			return true
		}
		return false
	})
	p.setReaperLocked()
}

// setReaperLocked keeps the reaper's timer set while there are idle environments.
func (p *Pool) setReaperLocked() {
	switch {
	case len(p.idle) == 0 && p.reaper != nil:
		p.reaper.Stop()
		p.reaper = nil
	case len(p.idle) > 0 && p.reaper == nil:
		p.reaper = time.AfterFunc(time.Until(p.idle[0].idle.Add(p.cfg.IdleAfter)), p.reap)
	}
}

// reap ends the environments that have been idle for long enough.
func (p *Pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaper = nil
	now := time.Now()
	p.dropLocked(func(e *environment) bool { return now.Sub(e.idle) >= p.cfg.IdleAfter })
}

// log passes a line to Config.OnLog and Config.Output.
func (p *Pool) log(l Line) {
	if p.cfg.OnLog != nil {
		p.cfg.OnLog(l)
	}
	if p.cfg.Output != nil && !l.Platform {
		p.output.Lock()
		defer p.output.Unlock()
		fmt.Fprintf(p.cfg.Output, "%s | %s\n", l.Name, l.Text)
	}
}
