// Package fifo keeps the logs of FIFO topics in JetStream.
//
// A log is one stream, made at the first publish. The stream's order is the order of
// the topic, and JetStream's duplicate window of five minutes is its deduplication.
// Any runtime of a cluster publishes to a stream; one of them at a time runs the
// readers of a log.
//
// A [Reader] hands the entries of a log on, in order and in batches. Its cursor, the
// last entry that it is done with, is in a record that is written at most once a
// second: after a crash some entries are handed over again. They have the same numbers
// as before, which only rise. So a receiver that remembers the highest number it
// has accepted drops what it has, and gets each entry exactly once.
//
// The package knows nothing of topics and subscriptions: only names, bytes and
// functions. See DESIGN.md.
package fifo
