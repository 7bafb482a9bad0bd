// Package jetqueue keeps queues in JetStream: the goroutines, the log and the
// clock around the machines of package queue.
//
// [Queues.Start] opens the queues that exist. Any number of goroutines may use a [Queue].
// Each queue has one owner. The owner passes the commands that wait to the machine
// as one batch, and appends the batch's records to the queue's stream as a single
// message. Callers are answered once that message is acknowledged. So they share
// the cost of JetStream, and with `sync always` that of the fsync, and what a
// caller was told is always in the log.
//
// An idle queue costs almost nothing: it has no goroutine, and a timer runs only
// while a receive waits for something that time brings.
package jetqueue
