package sns

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
)

// SetTopicAttributes   awsQuery
//
//   - sets one attribute; what it changes holds for the next publish
//   - "" brings the default Policy back, and removes DeliveryPolicy, KmsMasterKeyId and
//     the attributes of delivery status logs
//   - FifoTopic cannot be set, and a FifoThroughputScope of MessageGroup stays
//   - a MaximumMessageSize above 256 KiB is for topics of at most 100 subscriptions, all
//     of them of queues and functions
//
// Not supported: delivery status logs are not written.
func (s *Service) SetTopicAttributes(ctx context.Context, in *api.SetTopicAttributesInput) (*api.SetTopicAttributesOutput, error) {
	t, err := s.find(ctx, "SetTopicAttributes", "TopicArn", in.TopicArn, nil)
	if err != nil {
		return nil, err
	}
	name, value := kit.Value(in.AttributeName), kit.Value(in.AttributeValue)
	_, err = s.topics.Update(ctx, t.ID, func(t *topic.Topic) error {
		if err := setTopicAttribute(t, name, value); err != nil {
			return err
		}
		if name == topic.MaxMessageSize && t.MaxBytes() > largeMessage {
			return s.mayBeLarge(t.ID, "")
		}
		return nil
	})
	if err != nil {
		return nil, fromTopics(ofOne(err))
	}
	return &api.SetTopicAttributesOutput{}, nil
}

// mayBeLarge refuses large messages for a topic whose subscriptions cannot take them.
// more is the protocol of a subscription that is to come, "" for none.
func (s *Service) mayBeLarge(id topic.ID, more string) error {
	subs := s.topics.Subscriptions(id)
	protocols := []string{}
	for _, sub := range subs {
		protocols = append(protocols, sub.Protocol)
	}
	if more != "" {
		protocols = append(protocols, more)
	}
	if len(protocols) > maxLargeSubs {
		return invalid("A topic with MaximumMessageSize greater than %d bytes supports a maximum of %d subscriptions", largeMessage, maxLargeSubs)
	}
	small := slices.DeleteFunc(protocols, func(p string) bool { return p == topic.SQS || p == topic.Lambda || p == firehose })
	slices.Sort(small)
	if small = slices.Compact(small); len(small) > 0 {
		return invalid("MaximumMessageSize greater than %s bytes is not supported for the following protocol: [%s]",
			strconv.Itoa(largeMessage), strings.Join(small, ", "))
	}
	return nil
}
