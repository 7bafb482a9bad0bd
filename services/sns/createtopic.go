package sns

import (
	"context"
	"errors"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// CreateTopic   awsQuery
//
//   - a topic of the name is answered as it is
func (s *Service) CreateTopic(ctx context.Context, in *api.CreateTopicInput) (*api.CreateTopicOutput, error) {
	c := identity.From(ctx)
	id := topic.ID{Account: c.Account, Region: c.Region, Name: kit.Value(in.Name)}
	if !isName(id.Name) {
		return nil, api.ErrInvalidParameterException("Invalid parameter: Topic Name")
	}
	_, err := s.topics.Create(ctx, topic.Topic{ID: id, Attributes: in.Attributes})
	if err != nil && !errors.Is(err, fault.Exists) {
		return nil, err
	}
	return &api.CreateTopicOutput{TopicArn: new(id.ARN())}, nil
}

// isName tells the name of a topic: 1 to 256 of A-Z, a-z, 0-9, "-" and "_", and ".fifo"
// at the end of a FIFO topic's, which counts.
func isName(s string) bool {
	if len(s) > 256 {
		return false
	}
	name := strings.TrimSuffix(s, ".fifo")
	for _, c := range name {
		if !('A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return name != ""
}
