// Package delivery hands events from one service to the next: the corridor.
//
// An [Outbox] takes an event for a [Target] and delivers it by a [Policy]: again
// after its back-offs until it is delivered, too old or tried too often, and then
// to the dead-letter target. A client asks once:
//
//	err := outbox.Put(ctx, functionARN, delivery.Event{Body: body}, delivery.Policy{Sender: "lambda"})
//
// It promises:
//
//   - What Put accepted is durable: it reaches its target, or its dead-letter
//     target, at least once, over restarts, kills and takeovers by other runtimes.
//   - Targets are served fairly. One that hangs or refuses holds a share of what
//     may be under way at once, never all of it.
//   - Each attempt of an event has the same ID.
//   - An outbox at rest costs nothing but its memory.
//
// An event that no attempt can deliver (a target that is gone, or that does not
// allow its source) is final at once. So is everything when there is no policy to
// say otherwise: the log has it, with its reason.
//
// A target is tried against package deliverytest before it is trusted.
package delivery
