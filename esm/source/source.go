// Package source holds what a poller knows of where records come from. An
// adapter for each kind of source lives below.
package source

import "time"

// A Record is one record of a source, ready for an event.
type Record struct {
	ID            string    // as a batch item failure names it
	Handle        string    // by which the source knows this delivery
	JSON          []byte    // as the event shows it
	Payload       string    // decoded, for filters
	TraceParent   string    // W3C traceparent of its sender, "" for none
	TraceHeader   string    // X-Ray header that came with it, "" for none
	RedeliveredAt time.Time // unless it is acknowledged
}

// A Request asks a source for records.
type Request struct {
	Max        int           // at most this many
	Wait       time.Duration // for the first; queue.Forever waits until the context ends
	Processing time.Duration // how long a record may take from the receive to the end of its invocation
}

// Traits are what does not change about a source.
type Traits struct {
	Name       string // "orders"
	System     string // OpenTelemetry's name for its kind: "aws_sqs"
	Payload    string // the record's member that filter patterns match inside: "body"
	Head, Tail string // of an event, around records parted by commas
	Ordered    bool   // records of a group must not overtake each other
}
