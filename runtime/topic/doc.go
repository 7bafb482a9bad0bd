// Package topic keeps SNS topics and their subscriptions, and hands what is published
// to a topic to all who are to get it.
//
//	all := topic.New(topic.Config{Records: records, Outbox: outbox, ...})
//	t, err := all.Create(ctx, topic.Topic{ID: id})
//	s, err := all.Subscribe(ctx, topic.Subscription{Topic: id, Protocol: "sqs", Endpoint: queueARN})
//	published, err := all.Publish(ctx, id, topic.Message{Body: "hello"})
//
// It promises:
//
//   - Publish returns when every delivery that follows from the message is durable: it
//     is in its queue, or in the outbox, which tries until it is delivered, too old or
//     dead-lettered (package delivery).
//   - A FIFO topic takes each deduplication id once in five minutes, and hands the
//     messages of a group to each subscription in the order of their publishing, once
//     (package fifo).
//   - Nobody waits for a subscriber that hangs.
//   - What changes at a subscription holds for the next publish.
//
// Topics decide nothing about who may call: services/sns asks the policies of topics,
// and the targets of subscriptions are asked for theirs by the corridor.
package topic
