package sandbox

import "time"

// A runtimeProcess is what runs in an environment: a process, or a Go handler. Between
// two events it is ready; the environment waits for its signals.
type runtimeProcess interface {
	// signals tell what the guest does. After being started it is ready, or
	// fails to initialise, or exits. After deliver it answers, is ready again,
	// or exits; that is at most one of each, and they never block the guest.
	signals() <-chan signal
	// deliver hands an event to a guest that is ready.
	deliver(event)
	// flushOutput returns when all that the guest printed so far is in the journal.
	flushOutput()
	// kill stops the guest by force. It returns when all of it is gone, and may
	// be called again.
	kill()
}

// A memoryMeter guest can tell what memory it uses now and has used at most, in MB;
// 0 is unknown. With look it finds out what processes there are before, which
// costs a fraction of a millisecond.
type memoryMeter interface {
	memory(look bool) (now, peak int)
}

// An event is a Request with the time it must be answered by.
type event struct {
	Request
	deadline time.Time
}

// A signal is news for the environment, most of them from its guest.
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
	isTimeout        // the time is up
	isAborted        // the pool has no more time for it
)
