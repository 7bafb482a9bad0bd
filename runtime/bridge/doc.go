// Package bridge carries deliveries of RabbitMQ queues into the backbone, and what
// became of them back: a delivery is acknowledged when whoever received it says so, and
// not before.
//
// [Bridges] has a [Consumer] for each [Spec], which connects to the broker like any
// client of it. Each delivery becomes an entry of a stream in memory, one stream for each
// queue, from which the Consumer reads it back; whoever else follows the queue's subject
// sees it too. The stream is a window on what is unacknowledged, not a second store: what
// is in the broker is safe there, and what is in the stream may be lost at any time.
//
// It promises:
//
//   - at least once: what is not acknowledged when a connection ends, for whatever reason,
//     is delivered again by the broker
//   - a delivery received is of the present connection: those of an earlier one that
//     nobody has received yet are dropped, since the broker delivers them again
//   - properties and bodies as they were published, to the byte
//   - no more than Prefetch deliveries, and little more than 32 MiB, are held for a Consumer
//   - of several runtimes on one NATS cluster, one bridges a queue at a time
package bridge
