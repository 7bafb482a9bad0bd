package sns

import (
	"millrace/runtime/topic"
)

// checkTopicDelivery checks the DeliveryPolicy of a topic; "" is none.
func checkTopicDelivery(text string) error {
	_, err := parseObject(topic.DeliveryPolicy, text)
	return err
}

// checkSubscriptionDelivery checks the DeliveryPolicy of a subscription; "" is none.
func checkSubscriptionDelivery(text string) error {
	_, err := parseObject(topic.DeliveryPolicy, text)
	return err
}

// effectiveTopicDelivery is the delivery policy that holds for the HTTP subscriptions of
// a topic.
func effectiveTopicDelivery(string) string {
	return `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`
}

// effectiveSubscriptionDelivery is the delivery policy that holds for an HTTP
// subscription.
func effectiveSubscriptionDelivery(_, subscription string) string {
	if subscription != "" {
		return subscription
	}
	return `{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}`
}
