package sandbox

import "time"

// A runtimeProcess is what runs in an environment: a process, or a Go handler in its
// place. Between two events it is ready. It tells the environment by signals.
type runtimeProcess interface {
	// signals are what the process does. After its start it is ready, fails to
	// initialise, or exits. After deliver it answers, is ready again, or exits: at
	// most one of each. Sending a signal never blocks.
	signals() <-chan signal
	// deliver hands an event to a process that is ready.
	deliver(event)
	// flushOutput returns when all that the process printed so far is in the journal.
	flushOutput()
	// kill stops the process and its descendants by force, and returns when all of
	// them are gone. It may be called again.
	kill()
}

// A memoryMeter is a runtimeProcess that knows what memory it uses now and has used at
// most, in MB; 0 means unknown. With scan it looks for new descendants first, which costs
// a fraction of a millisecond.
type memoryMeter interface {
	memory(scan bool) (now, peak int)
}

// An event is a Request with the time it must be answered by.
type event struct {
	Request
	deadline time.Time
}

// A signal is an event in the life of a process, for its environment.
type signal struct {
	kind    kind
	payload []byte   // of an answer, or of a failed initialisation
	failed  bool     // the answer is an error
	failure *failure // of an exit
}

type kind int

const (
	isReady     kind = iota + 1
	isAnswer         // payload, failed
	isInitError      // payload
	isExit           // failure
	isTimeout        // the invocation timed out
	isAborted        // the pool is stopping and waits no longer
)
