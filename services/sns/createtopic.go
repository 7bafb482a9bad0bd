package sns

import (
	"context"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// CreateTopic   awsQuery
//
//   - a topic of the name is answered as it is, if the attributes and tags given, or none,
//     are those that it has
//   - names end in .fifo exactly if FifoTopic is true
//   - DataProtectionPolicy is stored and returned
//
// Not supported: data protection policies have no effect on messages.
func (s *Service) CreateTopic(ctx context.Context, in *api.CreateTopicInput) (*api.CreateTopicOutput, error) {
	if err := s.signed(ctx); err != nil {
		return nil, err
	}
	c := identity.From(ctx)
	id := topic.ID{Account: c.Account, Region: c.Region, Name: kit.Value(in.Name)}
	if err := checkKind(id, in.Attributes); err != nil {
		return nil, err
	}
	t := topic.Topic{ID: id}
	var err error
	if t.Attributes, err = newAttributes(id, in.Attributes); err != nil {
		return nil, ofMany(err)
	}
	if t.Tags, err = addTags(nil, in.Tags); err != nil {
		return nil, err
	}
	t.DataProtection = kit.Value(in.DataProtectionPolicy)
	if err := checkDataProtection(t.DataProtection); err != nil {
		return nil, err
	}
	if there, err := s.topics.Get(id); err == nil {
		return s.createdBefore(&there, &t, in.Attributes)
	}
	if err := s.roomFor(id); err != nil {
		return nil, err
	}
	made, err := s.topics.Create(ctx, t)
	switch {
	case errors.Is(err, fault.Exists): // at the same time
		return s.createdBefore(&made, &t, in.Attributes)
	case err != nil:
		return nil, fromTopics(err)
	}
	return &api.CreateTopicOutput{TopicArn: new(id.ARN())}, nil
}

// checkKind checks the name, and that it is one of the kind that is asked for.
func checkKind(id topic.ID, attributes map[string]string) error {
	fifo, given := attributes[fifoTopic]
	if given {
		text, err := parseBool(fifoTopic, fifo)
		if err != nil {
			return ofMany(err)
		}
		fifo = text
	}
	if !isName(id.Name) || id.FIFO() != (fifo == "true") {
		return invalid("Topic Name")
	}
	return nil
}

// createdBefore answers a topic that is there when one is asked for that has the same
// attributes and tags, as far as they are given.
func (s *Service) createdBefore(there, asked *topic.Topic, given map[string]string) (*api.CreateTopicOutput, error) {
	have := visible(there)
	for name := range given {
		if want := asked.Attributes[name]; name != fifoTopic && !sameText(have[name], want) && !(want == "" && there.Attributes[name] == "") {
			return nil, invalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	for key, value := range asked.Tags {
		if have, ok := there.Tags[key]; !ok || have != value {
			return nil, invalid("Tags Reason: Topic already exists with different tags")
		}
	}
	return &api.CreateTopicOutput{TopicArn: new(there.ARN())}, nil
}

// roomFor refuses a topic more than the account may have.
func (s *Service) roomFor(id topic.ID) error {
	quota := s.quotas.StandardTopics
	if id.FIFO() {
		quota = s.quotas.FIFOTopics
	}
	if s.topics.CountOf(id.Account, id.Region, id.FIFO()) >= quota {
		return api.ErrTopicLimitExceededException("Topic limit exceeded")
	}
	return nil
}
