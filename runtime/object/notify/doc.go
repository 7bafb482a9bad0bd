// Package notify is S3's event notifications without the sending: which events a bucket
// has told S3 to announce, which of its configurations an event concerns, and what the
// message says.
//
//	c, err := notify.Accept(sent, region, rand.Reader) // checked, with IDs: what the bucket keeps
//	m := notify.Compile(c)
//	for _, d := range m.Match(notify.ObjectCreatedPut, key) {
//		e := notify.Event{Type: notify.ObjectCreatedPut, Key: key, Configuration: d.ID, Destination: d.ARN, …}
//		entry = e.Append(entry) // beside the object's own commit
//	}
//	…
//	e, err := notify.ParseEvent(entry)
//	body := e.Body()
//
// It is pure: no storage, no clock, no goroutine. It promises:
//
//   - What Accept lets through matches an event at most once: S3 refuses two
//     configurations that could both match (TestOverlap, FuzzOverlap).
//   - Match allocates nothing when nothing matches.
//   - What Append writes, every later version reads.
//
// Sources: "Amazon S3 Event Notifications" of the S3 User Guide for rules, event types
// and the message; answers of AWS that others recorded for the texts of errors. Where a
// text is not recorded its comment says so.
//
// Not here: whether a destination exists and lets S3 send (package destination). Events
// for EventBridge, which has a form of its own, are not sent yet.
package notify
