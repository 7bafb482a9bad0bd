package sns

import (
	"millrace/runtime/topic"
	"millrace/runtime/topic/deliverypolicy"
)

// setTopicDelivery checks the DeliveryPolicy of a topic; "" takes it away.
func setTopicDelivery(_ topic.ID, _, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if _, err := deliverypolicy.ParseTopic(text); err != nil {
		return "", badAttribute("%v", err)
	}
	return text, nil
}

// setSubscriptionDelivery checks the DeliveryPolicy of a subscription; "" takes it away.
func setSubscriptionDelivery(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if _, err := deliverypolicy.ParseSubscription(text); err != nil {
		return "", badAttribute("%v", err)
	}
	return text, nil
}

// topicDelivery and subscriptionDelivery read what was checked when it was set. What
// another version took and this one does not says nothing.
func topicDelivery(t *topic.Topic) deliverypolicy.Topic {
	p, _ := deliverypolicy.ParseTopic(t.Attributes[topic.DeliveryPolicy])
	return p
}

func subscriptionDelivery(sub *topic.Subscription) deliverypolicy.Subscription {
	p, _ := deliverypolicy.ParseSubscription(sub.Attributes[topic.DeliveryPolicy])
	return p
}
