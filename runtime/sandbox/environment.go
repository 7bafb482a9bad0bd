package sandbox

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"millrace/runtime/fault"
)

const (
	initTimeout    = 10 * time.Second      // of the init phase
	memoryInterval = 50 * time.Millisecond // between two readings of a process's memory, while an event runs; longer if a reading takes long
)

var errAborted = fault.New(fault.Unavailable, "the event was aborted because the runtime is stopping")

// An environment is where a function's events run, one at a time: a log stream,
// a temporary folder, and a process that is replaced when it has failed. Whoever
// acquired it from the pool owns it.
type environment struct {
	spec    Spec
	journal *journal
	aborted <-chan struct{} // closed when events are to be aborted
	start   func(*environment) (runtimeProcess, *failure, error)

	process   runtimeProcess // nil before the first start, and after an exit
	code      string         // the folder that the process is started from
	tmp       string         // "" until a process needs it
	needsInit bool           // the init phase is still to come
	unusable  bool           // not to be used again: after an exit, but not after a time-out, which keeps tmp
	peak      int            // MB, the most that a process has used

	// Owned by the pool.
	retired bool
	idle    time.Time // since when
}

// run runs one event to its end. Only an event that could not be run, or was aborted,
// is an error.
func (e *environment) run(req Request) (Result, error) {
	var r Result
	if len(req.Payload) == 0 {
		req.Payload = []byte("{}") // what Lambda makes of an empty event
	}
	e.discardExited()
	if err := e.resolveCode(); err != nil {
		e.unusable = true
		return r, err
	}
	if e.needsInit {
		e.needsInit, r.Cold = false, true
		took, err := e.initPhase()
		if err != nil {
			e.unusable = true
			return r, err
		}
		r.Init = took
	}

	began := time.Now()
	ev := event{req, began.Add(e.spec.Timeout)}
	e.journal.begin(req.ID, e.spec.Version)
	answer, last, err := e.dispatch(ev)
	r.Duration = time.Since(began)
	e.unusable = last.kind != isReady && last.kind != isTimeout
	if err != nil {
		e.journal.end()
		return r, err
	}
	e.afterEvent(last)

	var status string
	var fail *failure
	switch last.kind {
	case isAborted:
		e.journal.end()
		return r, errAborted
	case isTimeout:
		r.Duration = e.spec.Timeout
		fail = failTimeout(e.spec.Timeout)
		e.journal.failure("%s %s %s", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), req.ID, fail.Message)
		status = "Status: timeout\t"
	case isExit:
		fail = last.failure
		e.journal.failure("%s", fail.of(req.ID).Message)
		e.journal.failure("%s", fail.Type)
		status = "Status: error\tError Type: " + fail.Type + "\t"
	}
	if answer.kind == 0 && last.kind == isInitError {
		answer = signal{payload: last.payload, failed: true}
	} else if answer.kind == 0 {
		answer = signal{payload: fail.of(req.ID).json(), failed: true}
	}
	if len(answer.payload) > maxPayload {
		answer = signal{payload: failTooLarge.json(), failed: true}
	}
	r.Payload = answer.payload
	if answer.failed {
		r.FunctionError = "Unhandled"
	}
	r.MaxMemoryMB = e.peak
	if e.spec.MemoryMB > 0 {
		r.MaxMemoryMB = min(e.peak, e.spec.MemoryMB)
	}
	e.report(req, r, status)
	r.Log = e.journal.end()
	return r, nil
}

// initPhase starts the process before the first event, with a timeout of its own. When
// that fails, running the event starts it once more, as on Lambda, so the failure is only
// logged.
func (e *environment) initPhase() (time.Duration, error) {
	e.journal.platform("INIT_START Runtime Version: %s.v1\tRuntime Version ARN: arn:aws:lambda:%s::runtime:%064x",
		strings.Replace(e.spec.Runtime, ".", ":", 1), e.spec.Region, 0)
	began := time.Now()
	last, err := e.startAndWait(began.Add(initTimeout))
	took := time.Since(began)
	var status string
	switch {
	case err != nil:
		return 0, err
	case last.kind == isAborted:
		return 0, errAborted
	case last.kind == isReady:
		e.afterEvent(last)
		return took, nil
	case last.kind == isTimeout:
		status = "timeout"
	case last.kind == isExit:
		status = "error\tError Type: " + last.failure.Type
	default:
		status = "error\tError Type: Runtime.Unknown"
	}
	e.afterEvent(last)
	e.journal.platform("INIT_REPORT Init Duration: %s ms\tPhase: init\tStatus: %s", millis(took), status)
	return 0, nil
}

// discardExited discards a process that has exited since its last event. The next event
// gets a new one. On Lambda an idle environment is frozen, so its process cannot exit.
func (e *environment) discardExited() {
	if e.process == nil {
		return
	}
	select {
	case last := <-e.process.signals(): // ready as it was, it can only have exited
		e.journal.failure("%s", last.failure.Message)
		e.afterEvent(last)
	default:
	}
}

// resolveCode finds the code's folder. The time that it takes does not count as the
// process's.
func (e *environment) resolveCode() (err error) {
	if e.process == nil && e.spec.Code != nil {
		e.code, err = e.spec.Code()
	}
	return err
}

// startAndWait starts a process and waits until it is ready or has failed.
func (e *environment) startAndWait(deadline time.Time) (signal, error) {
	g, fail, err := e.start(e)
	if err != nil {
		return signal{}, err
	}
	if fail != nil {
		return signal{kind: isExit, failure: fail}, nil
	}
	e.process = g
	return e.await(deadline), nil
}

// dispatch delivers the event to the process. It returns the function's answer, if there
// is one, and the last signal: isReady if all is well.
func (e *environment) dispatch(ev event) (answer, last signal, err error) {
	if e.process == nil {
		last, err = e.startAndWait(ev.deadline)
		if err != nil || last.kind != isReady {
			return answer, last, err
		}
	}
	e.process.deliver(ev)
	for {
		switch last = e.await(ev.deadline); {
		case last.kind != isAnswer:
			return answer, last, nil
		case !time.Now().Before(ev.deadline):
			return answer, signal{kind: isTimeout}, nil
		}
		answer = last
	}
}

// await returns the next signal, or a time-out. A process that uses more memory than it
// may is killed, which is an exit.
func (e *environment) await(deadline time.Time) signal {
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	var timer *time.Timer
	var watch <-chan time.Time
	if _, ok := e.process.(memoryMeter); ok && e.spec.MemoryMB > 0 {
		timer = time.NewTimer(memoryInterval)
		defer timer.Stop()
		watch = timer.C
	}
	for {
		select {
		case s := <-e.process.signals():
			return s
		case <-late.C:
			return signal{kind: isTimeout}
		case <-e.aborted:
			return signal{kind: isAborted}
		case <-watch:
			began := time.Now()
			if e.measure(true) > e.spec.MemoryMB {
				e.process.kill()
			}
			// Scanning hundreds of descendants takes long.
			timer.Reset(min(max(memoryInterval, 10*time.Since(began)), time.Second))
		}
	}
}

// measure returns the memory in use now, in MB, and updates the peak.
func (e *environment) measure(scan bool) int {
	m, ok := e.process.(memoryMeter)
	if !ok {
		return 0
	}
	now, peak := m.memory(scan)
	e.peak = max(e.peak, peak)
	return now
}

// afterEvent collects the output and the memory peak of a process after an event, and
// kills it unless it is ready for another one.
func (e *environment) afterEvent(last signal) {
	if e.process == nil {
		return
	}
	e.measure(false)
	if last.kind == isReady {
		e.process.flushOutput()
		return
	}
	e.process.kill()
	e.process = nil
}

// report ends the event's log with the lines that Lambda ends it with.
func (e *environment) report(req Request, r Result, status string) {
	var initDuration, trace string
	if r.Init > 0 {
		initDuration = "Init Duration: " + millis(r.Init) + " ms\t"
	}
	if root, segment, ok := sampled(req.TraceHeader); ok {
		trace = "\nXRAY TraceId: " + root + "\tSegmentId: " + segment + "\tSampled: true\t"
	}
	e.journal.platform("END RequestId: %s", req.ID)
	// Of an OS-only runtime, which is what Go runs on, Lambda bills the init phase too.
	billed := math.Ceil(float64(r.Init+r.Duration) / float64(time.Millisecond))
	e.journal.platform("REPORT RequestId: %s\tDuration: %s ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t%s%s%s",
		req.ID, millis(r.Duration), billed, e.spec.MemoryMB, r.MaxMemoryMB, initDuration, status, trace)
}

// close ends the environment and all that belongs to it.
func (e *environment) close() {
	if e.process != nil {
		e.process.kill()
		e.process = nil
	}
	if e.tmp != "" {
		os.RemoveAll(e.tmp)
	}
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond))
}

// sampled reads an X-Ray header: Root=…;Parent=…;Sampled=1.
func sampled(header string) (root, parent string, ok bool) {
	for field := range strings.SplitSeq(header, ";") {
		switch k, v, _ := strings.Cut(field, "="); k {
		case "Root":
			root = v
		case "Parent":
			parent = v
		case "Sampled":
			ok = v == "1"
		}
	}
	return root, parent, ok
}
