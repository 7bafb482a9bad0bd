package kms

import (
	"context"
	"slices"
	"strings"

	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
)

// maxTags is how many tags a key may have.
const maxTags = 50

// TagResource   awsJson1_1
//
//   - adds tags, and gives those that are there their new values; 50 at most
//   - KMSInvalidStateException while the key waits for its deletion
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	k, err := s.key(ctx, in.KeyId, "TagResource")
	if err != nil {
		return nil, err
	}
	err = s.ring.SetTags(ctx, k, func(tags []keys.Tag) ([]keys.Tag, error) { return withTags(tags, in.Tags) })
	return &api.TagResourceOutput{}, failure(err)
}

// UntagResource   awsJson1_1
//
//   - keys that are not there are no error
//   - KMSInvalidStateException while the key waits for its deletion
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	k, err := s.key(ctx, in.KeyId, "UntagResource")
	if err != nil {
		return nil, err
	}
	err = s.ring.SetTags(ctx, k, func(tags []keys.Tag) ([]keys.Tag, error) {
		return kit.RemoveTags(tagRules, tags, in.TagKeys), nil
	})
	return &api.UntagResourceOutput{}, failure(err)
}

// ListResourceTags   awsJson1_1
//
//   - in the order of their keys, 50 a page
func (s *Service) ListResourceTags(ctx context.Context, in *api.ListResourceTagsInput) (*api.ListResourceTagsOutput, error) {
	k, err := s.key(ctx, in.KeyId, "ListResourceTags")
	if err != nil {
		return nil, err
	}
	part, next, truncated, err := page(k.Tags, func(t keys.Tag) string { return t.Key }, listing{in.Marker, in.Limit, 50, 50})
	if err != nil {
		return nil, err
	}
	out := &api.ListResourceTagsOutput{Tags: []*api.Tag{}, NextMarker: next, Truncated: truncated}
	for _, t := range part {
		out.Tags = append(out.Tags, &api.Tag{TagKey: &t.Key, TagValue: &t.Value})
	}
	return out, nil
}

var tagRules = kit.TagRules{
	Max: maxTags,
	Check: func(key, _ string) error {
		if kit.IsReservedTag(key) {
			return api.ErrTagException("aws: prefixed tag key names are not allowed for external use.")
		}
		return nil
	},
	Duplicate: func() error { return api.ErrTagException("Duplicate tag keys") },
	TooMany:   func() error { return api.ErrLimitExceededException("Too many tags") },
}

// withTags returns tags with more added to them, or put in their place, in the order of
// their keys.
func withTags(tags []keys.Tag, more []*api.Tag) ([]keys.Tag, error) {
	add := make([]keys.Tag, len(more))
	for i, t := range more {
		add[i] = keys.Tag{Key: *t.TagKey, Value: *t.TagValue}
	}
	tags, err := kit.AddTags(tagRules, tags, add)
	slices.SortFunc(tags, func(a, b keys.Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags, err
}
