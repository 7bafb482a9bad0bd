package sns

import (
	"millrace/runtime/topic"
	"millrace/runtime/topic/deliverypolicy"
)

// setTopicDelivery reads the DeliveryPolicy of a topic, and writes it as SNS does; ""
// takes it away.
func setTopicDelivery(_ topic.ID, _, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	p, err := deliverypolicy.ParseTopic(text)
	if err != nil {
		return "", badAttribute("%v", err)
	}
	return p.String(), nil
}

// setSubscriptionDelivery is setTopicDelivery for a subscription.
func setSubscriptionDelivery(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	p, err := deliverypolicy.ParseSubscription(text)
	if err != nil {
		return "", badAttribute("%v", err)
	}
	return p.String(), nil
}
