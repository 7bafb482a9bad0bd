package sns

import (
	"context"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/kit"
)

// TagResource   awsQuery
//
//   - adds tags to a topic, and gives those that are there their new values; 50 at most
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	t, err := s.tagged(ctx, "TagResource", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.topics.Update(ctx, t.ID, func(t *topic.Topic) (err error) {
		t.Tags, err = addTags(t.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, fromTagged(err)
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource   awsQuery
//
//   - keys that are not there are no error
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	t, err := s.tagged(ctx, "UntagResource", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.topics.Update(ctx, t.ID, func(t *topic.Topic) error {
		t.Tags = tagRules.RemoveTagMap(t.Tags, in.TagKeys)
		return nil
	})
	if err != nil {
		return nil, fromTagged(err)
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource   awsQuery
//
//   - answers all tags of a topic, in the order of their keys
func (s *Service) ListTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	t, err := s.tagged(ctx, "ListTagsForResource", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: []*api.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
		out.Tags = append(out.Tags, &api.Tag{Key: new(key), Value: new(t.Tags[key])})
	}
	return out, nil
}

// tagged is find for tags, which know the topic as a resource.
func (s *Service) tagged(ctx context.Context, action string, arn *string) (topic.Topic, error) {
	t, err := s.find(ctx, action, "ResourceArn", arn, nil)
	if errors.Is(err, errNoTopic) {
		err = noResource()
	}
	return t, err
}

func noResource() error { return api.ErrResourceNotFoundException("Resource does not exist") }

// fromTagged is fromTopics for tags.
func fromTagged(err error) error {
	return translate(err, noResource)
}

var tagRules = kit.TagRules{
	Max: maxTags,
	Check: func(key, value string) error {
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128 || utf8.RuneCountInString(value) > 256:
			return invalid("Tags Reason: Tag keys have 1 to 128 characters, and tag values up to 256.")
		case kit.IsReservedTag(key):
			return invalid("Tags Reason: Tag keys that begin with aws: are reserved.")
		}
		return nil
	},
	Duplicate: func() error { return invalid("Duplicated keys are not allowed.") },
	TooMany: func() error {
		return api.ErrTagLimitExceededException("Could not complete request: tag quota of per resource exceeded")
	},
}

// addTags returns the tags of a topic with those of a request.
func addTags(have map[string]string, more []*api.Tag) (map[string]string, error) {
	add := make(map[string]string, len(more))
	for _, t := range more {
		key := kit.Value(t.Key)
		if _, twice := add[key]; twice {
			return nil, tagRules.Duplicate()
		}
		add[key] = kit.Value(t.Value)
	}
	return tagRules.AddTagMap(have, add)
}
