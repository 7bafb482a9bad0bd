// Package jetqueue keeps queues in JetStream: the goroutines, the log and the
// clock around the machines of package queue.
//
// [Open] finds the queues that are there; a [Queue] is then used by any number
// of goroutines. One goroutine owns each queue. It takes the commands that wait
// together, lets the machine decide them, and appends what came of it to the
// queue's stream as a single message; a caller is answered once that message is
// acknowledged. So JetStream's cost, and with `sync always` the fsync, is shared
// by all who wait, and what a caller was told is always what the log holds.
//
// A queue that nobody uses costs nothing but its memory: there is no timer
// unless a receive waits for something that time brings.
package jetqueue
