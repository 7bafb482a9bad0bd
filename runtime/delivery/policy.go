package delivery

import "time"

// A Policy says how hard an event is tried, and what follows. The zero Policy tries
// once an event that its target refuses, and forgets it.
type Policy struct {
	Sender      string        `json:",omitempty"` // name of the Sender whose back-offs and forms apply; "" for none
	MaxAge      time.Duration `json:",omitempty"` // since Put, after which no attempt begins; 0 for no limit
	MaxAttempts int           `json:",omitempty"` // attempts that count, see Sender; 0 for no limit
	Failed      Backoff       `json:",omitempty"` // in place of the sender's; nil for the sender's own
	DeadLetter  string        `json:",omitempty"` // target of events that were given up; "" for none
	OnSuccess   string        `json:",omitempty"` // target of records of delivered events; "" for none
	OnFailure   string        `json:",omitempty"` // target of records of events that were given up; "" for none
}

// A Sender is a service that hands events on: what its policies have in common, and
// how it writes what follows from them.
type Sender struct {
	// Failed is the pauses after attempts that count.
	Failed Backoff

	// Refused is the pauses after attempts that never reached the target, where those
	// do not count. nil counts them like failures.
	Refused Backoff

	// DeadLetter makes of an event that was given up what its dead-letter target
	// gets. nil hands on the event as it is.
	DeadLetter func(Outcome) Event

	// DeadLetters is the name of the sender whose the deliveries of dead letters are; "" for
	// none.
	DeadLetters string

	// Record makes the event that OnSuccess or OnFailure gets; nil hands on the
	// event as it is.
	Record func(Outcome) Event

	// Ended is called when a delivery has ended, however it did, and what follows from
	// it is durable: once, but for an event that a kill brings back. It must not block.
	// nil for none.
	Ended func(Outcome)
}

// A Condition says how the delivery of an event ended.
type Condition string

// The conditions. The texts are those of Lambda's records.
const (
	Success          Condition = "Success"
	RetriesExhausted Condition = "RetriesExhausted"
	EventAgeExceeded Condition = "EventAgeExceeded"
	Rejected         Condition = "Rejected" // no attempt could have succeeded
)

// An Outcome is all that is known of an event whose delivery has ended.
type Outcome struct {
	To        string
	Event     Event
	Condition Condition
	Attempts  int       // that reached the target
	Reply     Reply     // of the last attempt
	Err       error     // of the last attempt; nil when the target answered
	Ended     time.Time // now

	DeadLetter string // where it goes if it was given up; "" for nowhere
}
