// Package queue is an SQS queue as a state machine: it decides where each message
// is (delayed, ready, in flight, transferring) and what may happen to it next.
//
// A [Machine] starts no goroutine, reads no clock and touches no storage. The
// caller passes in time and randomness. A batch of commands returns an encoded
// log entry, and the receives that may be answered once that entry is stored.
// Only records change the state: a machine that replays the stored entries with
// [Machine.Replay] has the state of the one that wrote them. What time alone
// changes (a visibility timeout ends, a delay ends, a deduplication window ends)
// needs no record: every entry has its time, and both paths treat time alike.
//
// It promises:
//
//   - a message is in flight at one receiver at a time, until its visibility
//     timeout ends;
//   - while a message of a FIFO group is in flight, no later one of the group is
//     handed out, and the messages of a group are handed out in their order;
//   - on a standard queue, a tenant that takes more than its share does not delay
//     the messages of others (fair queues);
//   - a message that expired is never handed out;
//   - whatever makes a message available answers the receives that wait, in the
//     order in which they came.
//
// Package jetqueue keeps the log in JetStream and runs the goroutines. DESIGN.md
// has the reasons.
package queue
