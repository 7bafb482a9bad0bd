package sns

import (
	"context"
	"maps"
	"strconv"
	"time"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
)

// GetTopicAttributes   awsQuery
//
//   - answers all attributes; those without a default are left out until they are set
//   - the counts of subscriptions are exact
func (s *Service) GetTopicAttributes(ctx context.Context, in *api.GetTopicAttributesInput) (*api.GetTopicAttributesOutput, error) {
	t, err := s.find(ctx, "GetTopicAttributes", "TopicArn", in.TopicArn, nil)
	if err != nil {
		return nil, err
	}
	all := visible(&t)
	n := s.topics.Counts(t.ID)
	all["SubscriptionsConfirmed"] = strconv.Itoa(n.Confirmed)
	all["SubscriptionsPending"] = strconv.Itoa(n.Pending)
	all["SubscriptionsDeleted"] = strconv.Itoa(n.Deleted)
	if begin, ok := beginningOfArchive(&t, time.Now()); ok {
		all["BeginningArchiveTime"] = begin.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return &api.GetTopicAttributesOutput{Attributes: all}, nil
}

// visible are the attributes of a topic as they are answered, but for what changes by
// itself.
func visible(t *topic.Topic) map[string]string {
	all := map[string]string{
		"TopicArn": t.ARN(), "Owner": t.Account, displayName: "",
		"EffectiveDeliveryPolicy": t.Delivery().Effective().String(),
	}
	if t.FIFO() {
		all[fifoTopic], all[topic.ContentDedup], all[topic.ThroughputScope] = "true", "false", "Topic"
	}
	maps.Copy(all, t.Attributes)
	all[topic.Policy] = policyText(t)
	return all
}
