// Package envelope writes what subscribers of a topic receive, byte for byte as Amazon
// SNS does: the JSON documents for queues and HTTP endpoints, the event for functions,
// the headers of HTTP requests, and the confirmations. It is pure.
//
// A [Draft] is a notification before it is known who gets it. All that is the same for
// its subscriptions is written once; a subscription costs little more than a copy:
//
//	draft := envelope.NewDraft(notification)
//	for _, s := range subscriptions {
//		body := draft.Body(s.ARN)
//		...
//	}
//
// Signatures come last. A signature takes a thousand times as long as a document, and many
// documents are never read, so a document has a placeholder of the same length where its
// signature belongs. [Finish] signs it, when somebody receives it. Only documents of
// this package may be handed to Finish: of a raw message, which strangers write whole, it
// would sign whatever is claimed there.
//
// Sources: Amazon SNS Developer Guide, "Parsing Amazon SNS message formats", "Amazon SNS
// raw message delivery" and "Verifying the signatures of Amazon SNS messages"; AWS Lambda
// Developer Guide, "Invoking Lambda functions with Amazon SNS notifications". Order of
// members, white space and escapes are those of documents that SNS has sent.
package envelope
