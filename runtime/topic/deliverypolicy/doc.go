// Package deliverypolicy knows how hard Amazon SNS tries to deliver a message: the delivery
// policies that topics and subscriptions have for HTTP endpoints, and those that SNS has
// for the rest.
//
//	topic, err := deliverypolicy.ParseTopic(text)            // attribute DeliveryPolicy of a topic
//	sub, err := deliverypolicy.ParseSubscription(text)       // the same of a subscription
//	effective := deliverypolicy.Effective(topic, sub)        // its String is EffectiveDeliveryPolicy
//	policy.Failed = effective.Backoff()
//
// Errors are fault.Invalid, in the words of SNS as far as they are known, from
// "DeliveryPolicy: " on.
//
// A [Pace] keeps to a policy's maxReceivesPerSecond.
//
// Sources: Amazon SNS Developer Guide, "Amazon SNS message delivery retries". Members that
// are missing are null in the text of a subscription's policy, and left out in a topic's,
// as SNS does it. Two things are ours: SNS does not say whether it refuses a policy whose
// retries take longer than an hour, here they end then; and its documentation has defaults
// for minDelayTarget, maxDelayTarget and numRetries, but it refuses a retry policy that
// lacks one of them, and so do we.
package deliverypolicy
