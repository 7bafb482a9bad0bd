// Package moves runs message move tasks: each takes the messages of one queue,
// usually a dead-letter queue, to another one or back to where each came from.
//
//	tasks := moves.New(moves.Config{Records: records, Queue: queues})
//	err := tasks.Start(ctx)
//	task, err := tasks.Create(ctx, moves.Spec{Source: dead})
//	tasks.List(dead, 1) // how far it is
//
// It promises:
//
//   - A task goes on after a restart, also one of a killed process. Its messages
//     move exactly once, because the queues' logs see to that; its count may lag
//     by the one batch that was under way at the kill.
//   - What anybody is told of a task is stored before.
//   - Rate is never exceeded, not even to catch up.
//   - A queue has one active task at most, also when several runtimes share it.
//     The one that owns the queue runs the task, and its successor goes on with it.
//
// A task ends as COMPLETED when its source has no visible message left. Messages
// in flight or delayed stay where they are, unless they become visible before.
//
// What is decided about tasks is decided in values without clock or goroutine:
// the history of a queue's tasks, and the pace of one. [Tasks] keeps them in
// records and has runtime/workers run them, each in a goroutine that ends with the task.
package moves
