package sqs

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// TagQueue   awsJson1_0, awsQuery
//
//   - adds tags and overwrites those with the same key, up to 50 on a queue
func (s *Service) TagQueue(ctx context.Context, in *api.TagQueueInput) (*api.TagQueueOutput, error) {
	q, err := s.find(ctx, "TagQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, missingParam("Tags")
	}
	err = q.Configure(ctx, func(c *queue.Config) error {
		tags, err := tagRules(q.ID()).AddTagMap(c.Tags, in.Tags)
		if err == nil {
			c.Tags = tags
		}
		return err
	})
	return &api.TagQueueOutput{}, fromDomain(err, identity.From(ctx).Query)
}

// UntagQueue   awsJson1_0, awsQuery
//
//   - removes the tags with the given keys; keys that the queue does not have
//     are ignored
func (s *Service) UntagQueue(ctx context.Context, in *api.UntagQueueInput) (*api.UntagQueueOutput, error) {
	q, err := s.find(ctx, "UntagQueue", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, invalidValue("Tag keys must be between 1 and 128 characters in length.")
	}
	err = q.Configure(ctx, func(c *queue.Config) error {
		c.Tags = tagRules(q.ID()).RemoveTagMap(c.Tags, in.TagKeys)
		return nil
	})
	return &api.UntagQueueOutput{}, fromDomain(err, identity.From(ctx).Query)
}

// ListQueueTags   awsJson1_0, awsQuery
//
//   - answers the queue's tags; none when it has none
func (s *Service) ListQueueTags(ctx context.Context, in *api.ListQueueTagsInput) (*api.ListQueueTagsOutput, error) {
	q, err := s.find(ctx, "ListQueueTags", in.QueueUrl)
	if err != nil {
		return nil, err
	}
	tags := q.Config().Tags
	if len(tags) == 0 {
		tags = nil
	}
	return &api.ListQueueTagsOutput{Tags: tags}, nil
}

// tagRules are what a queue accepts of tags.
func tagRules(id queue.ID) kit.TagRules {
	return kit.TagRules{
		Max: 50, Check: checkTag,
		TooMany: func() error { return invalidValue("Too many tags added for queue %s.", id.Name) },
	}
}

func checkTag(key, value string) error {
	if n := utf8.RuneCountInString(key); n < 1 || n > 128 {
		return invalidValue("Tag keys must be between 1 and 128 characters in length.")
	}
	if utf8.RuneCountInString(value) > 256 {
		return invalidValue("Tag values must be between 0 and 256 characters in length.")
	}
	if kit.IsReservedTag(key) {
		return invalidValue("Tag keys must not start with the reserved prefix aws:.")
	}
	if !tagText(key) || !tagText(value) {
		return invalidValue("Tags may only contain unicode letters, digits, whitespace, or one of these symbols: _ . : / = + - @")
	}
	return nil
}

func tagText(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSpace(r) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return true
}
