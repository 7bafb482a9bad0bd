package sns

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/pattern"
	"millrace/runtime/topic"
	"millrace/runtime/topic/audience"
)

// subscriptionRole is the attribute of subscriptions that nothing but this package knows.
const subscriptionRole = "SubscriptionRoleArn"

// setSubscriptionAttributes sets attributes of a subscription, all or none.
func setSubscriptionAttributes(sub *topic.Subscription, t *topic.Topic, given map[string]string, now time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		text, err := subscriptionAttribute(sub, t, name, given[name], now)
		if err != nil {
			return err
		}
		if text == "" {
			delete(sub.Attributes, name)
		} else {
			sub.Attributes[name] = text
		}
	}
	_, policy := given[topic.FilterPolicy]
	_, scope := given[topic.FilterPolicyScope]
	if policy || scope {
		return checkFilter(sub)
	}
	return nil
}

// subscriptionAttribute checks a value of an attribute, and returns the text to keep; ""
// keeps none. Filter policies are left to checkFilter.
func subscriptionAttribute(sub *topic.Subscription, t *topic.Topic, name, value string, now time.Time) (string, error) {
	if err := checkLength(name, value); err != nil {
		return "", err
	}
	switch name {
	case topic.FilterPolicy:
		return value, nil
	case topic.FilterPolicyScope:
		if _, err := audience.ParseScope(value); err != nil {
			return "", badAttribute("%s: %v", name, err)
		}
		return value, nil
	case topic.RawDelivery:
		text, err := parseBool(name, value)
		if text == "true" && !slices.Contains([]string{topic.SQS, topic.HTTP, topic.HTTPS, firehose}, sub.Protocol) {
			return "", badAttribute("Delivery protocol [%s] does not support raw message delivery.", sub.Protocol)
		}
		return text, err
	case topic.RedrivePolicy:
		return value, checkRedrive(sub, value)
	case topic.DeliveryPolicy:
		return setSubscriptionDelivery(value)
	case topic.ReplayPolicy:
		return setReplayPolicy(t, value, now)
	case subscriptionRole:
		return value, checkRole(name, value)
	}
	return "", unknownAttribute(name)
}

// checkFilter checks the filter policy of a subscription, in its scope.
func checkFilter(sub *topic.Subscription) error {
	filter, err := sub.Filter()
	if filter == nil && err == nil { // {}
		delete(sub.Attributes, topic.FilterPolicy)
	}
	e, ok := errors.AsType[*pattern.Error](err)
	switch {
	case !ok:
		return err
	case errors.Is(err, pattern.ErrNested):
		return badAttribute("%s", e.Reason)
	}
	return badAttribute("%s: %s%s", topic.FilterPolicy, e.Reason, e.Position)
}

// checkRedrive reads {"deadLetterTargetArn": …}; "" takes it away. The queue is one of
// the topic's region and account, and of the kind of queue that the messages need.
func checkRedrive(sub *topic.Subscription, text string) error {
	const name = topic.RedrivePolicy
	object, err := parseObject(name, text)
	if err != nil || text == "" {
		return err
	}
	for _, member := range slices.Sorted(maps.Keys(object)) {
		if member != "deadLetterTargetArn" {
			return badAttribute("%s: invalid JSON. Attribute %s is unknown.", name, member)
		}
	}
	raw, ok := object["deadLetterTargetArn"]
	if !ok {
		return badAttribute("%s: Missing deadLetterTargetArn attribute", name)
	}
	var target string
	if bytes.Equal(raw, []byte("null")) || json.Unmarshal(raw, &target) != nil {
		return badAttribute("%s: deadLetterTargetArn is an invalid arn", name)
	}
	a, err := arn.Parse(target)
	fifo := strings.HasSuffix(a.Resource, ".fifo")
	switch {
	case err != nil:
		return badAttribute("%s: deadLetterTargetArn is an invalid arn", name)
	case a.Service != "sqs":
		if sub.Topic.FIFO() && strings.HasSuffix(sub.Endpoint, ".fifo") {
			return badAttribute("%s: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.", name)
		}
		return badAttribute("%s: deadLetterTargetArn must be a SQS queue", name)
	case a.Region != sub.Topic.Region:
		return badAttribute("%s: deadLetterTargetArn must be in the same region as the subscription", name)
	case a.Account != sub.Owner:
		return badAttribute("%s: deadLetterTargetArn must be in the same account as the subscription", name)
	case sub.Topic.FIFO() && strings.HasSuffix(sub.Endpoint, ".fifo") && !fifo:
		return badAttribute("%s: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.", name)
	case fifo && !sub.Topic.FIFO():
		return badAttribute("%s: must use a standard queue as DLQ for a Subscription to a standard Topic.", name)
	}
	return nil
}

// setting is the value of an attribute that holds for a subscription.
func setting(sub *topic.Subscription, name string) string {
	text := sub.Attributes[name]
	switch {
	case text != "":
	case name == topic.RawDelivery:
		return "false"
	case name == topic.FilterPolicyScope:
		return string(audience.Attributes)
	}
	return text
}
