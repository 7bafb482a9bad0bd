package sns

import (
	"context"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
)

// DeleteTopic   awsQuery
//
//   - subscriptions and tags go with the topic
//   - a topic that is not there is deleted
//   - a topic with an ArchivePolicy is InvalidState
func (s *Service) DeleteTopic(ctx context.Context, in *api.DeleteTopicInput) (*api.DeleteTopicOutput, error) {
	t, err := s.find(ctx, "DeleteTopic", "TopicArn", in.TopicArn, nil)
	switch {
	case errors.Is(err, errNoTopic):
		return &api.DeleteTopicOutput{}, nil
	case err != nil:
		return nil, err
	case t.Attributes[topic.ArchivePolicy] != "":
		return nil, api.ErrInvalidStateException("Invalid state: Cannot delete a topic with an ArchivePolicy")
	}
	if err := s.topics.Delete(ctx, t.ID); err != nil && !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	return &api.DeleteTopicOutput{}, nil
}
