// Package queue is an SQS queue as a machine: it decides where each message is
// (delayed, ready, in flight, burying) and what may happen to it next.
//
// A [Machine] starts no goroutine, reads no clock and touches no storage. The
// time and the randomness come in with the commands; out come an encoded entry
// of records, for a log, and the receives that can be answered once that entry
// is stored. Records are the only way the state changes: a machine that replays
// the stored entries with [Machine.Replay] is in the state of the one that wrote
// them. What time does by itself (a visibility that ends, a delay that is over,
// a deduplication id that is forgotten) needs no record: every entry says when
// it was written, and time passes in the same way on both paths.
//
// It promises:
//
//   - a message is out with one receiver at a time, until its visibility ends;
//   - while a message of a FIFO group is in flight, no later one of the group is
//     handed out, and the messages of a group are handed out in their order;
//   - on a standard queue, the messages of a group that takes more than its share
//     do not hold up those of the others (fair queues);
//   - a message that expired is never handed out;
//   - a waiting receive is answered by whatever makes a message available, in
//     the order in which the receives came.
//
// Use it through jetqueue, which keeps the log in JetStream and owns the
// goroutine. DESIGN.md has the reasons.
package queue
