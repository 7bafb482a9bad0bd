// Package source holds what a poller knows of where records come from. An
// adapter for each kind of source lives below.
package source

import "time"

// A Record is one record of a source, ready for an event.
type Record struct {
	ID          string // as a batch item failure names it
	Handle      string // by which the source knows this delivery
	JSON        []byte // as the event shows it
	Payload     string // decoded, for filters
	TraceParent string // W3C traceparent of its sender, "" for none
}

// A Request asks a source for records.
type Request struct {
	Max  int           // at most this many
	Wait time.Duration // for the first; queue.Forever waits until the context ends
	Hold time.Duration // how long records may take from the receive to the end of their invocation
}
