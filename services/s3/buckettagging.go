package s3

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"unicode"
	"unicode/utf8"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// maxBucketTags is how many tags a bucket may have
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html).
const maxBucketTags = 50

// PutBucketTagging   restXml
//
//   - replaces all tags; an empty TagSet removes them
//   - at most 50; keys have 1 to 128 characters and are unique, values at most 256
func (s *Service) PutBucketTagging(ctx context.Context, in *api.PutBucketTaggingInput) (*api.PutBucketTaggingOutput, error) {
	err := s.update(ctx, request{action: "PutBucketTagging", bucket: in.Bucket, owner: in.ExpectedBucketOwner}, func(settings *object.Settings) (err error) {
		if in.Tagging == nil {
			return noBody()
		}
		settings.Tags, err = bucketTags(in.Tagging.TagSet)
		return err
	})
	return &api.PutBucketTaggingOutput{}, err
}

// GetBucketTagging   restXml
//
//   - a bucket without tags is NoSuchTagSet
func (s *Service) GetBucketTagging(ctx context.Context, in *api.GetBucketTaggingInput) (*api.GetBucketTaggingOutput, error) {
	settings, err := s.settings(ctx, request{action: "GetBucketTagging", bucket: in.Bucket, owner: in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	if len(settings.Tags) == 0 {
		return nil, notSet("NoSuchTagSet", "The TagSet does not exist", in.Bucket)
	}
	out := &api.GetBucketTaggingOutput{}
	for _, key := range slices.Sorted(maps.Keys(settings.Tags)) {
		out.TagSet = append(out.TagSet, &api.Tag{Key: &key, Value: new(settings.Tags[key])})
	}
	return out, nil
}

// DeleteBucketTagging   restXml
//
//   - succeeds without tags, too
func (s *Service) DeleteBucketTagging(ctx context.Context, in *api.DeleteBucketTaggingInput) (*api.DeleteBucketTaggingOutput, error) {
	err := s.update(ctx, request{action: "PutBucketTagging", bucket: in.Bucket, owner: in.ExpectedBucketOwner}, func(settings *object.Settings) error {
		settings.Tags = nil
		return nil
	})
	return &api.DeleteBucketTaggingOutput{}, err
}

// bucketTags checks the tags of a bucket; nil for none.
func bucketTags(tags []*api.Tag) (map[string]string, error) {
	var all map[string]string
	for _, t := range tags {
		if t == nil || t.Key == nil || t.Value == nil {
			return nil, malformed()
		}
		key, value := *t.Key, *t.Value
		if err := checkTag(key, value); err != nil {
			return nil, err
		}
		if _, twice := all[key]; twice {
			return nil, refusal("InvalidTag", http.StatusBadRequest, "Cannot provide multiple Tags with the same key", "TagKey", key)
		}
		if all == nil {
			all = map[string]string{}
		}
		all[key] = value
	}
	if len(all) > maxBucketTags {
		return nil, refusal("BadRequest", http.StatusBadRequest, "Bucket tag count cannot be greater than 50")
	}
	return all, nil
}

// checkTag refuses a tag that no bucket may have.
func checkTag(key, value string) error {
	switch {
	case kit.IsReservedTag(key):
		return refusal("InvalidTag", http.StatusBadRequest, "System tags cannot be added/updated by requester", "TagKey", key)
	case key == "" || utf8.RuneCountInString(key) > 128 || !isTagText(key):
		return refusal("InvalidTag", http.StatusBadRequest, "The TagKey you have provided is invalid", "TagKey", key)
	case utf8.RuneCountInString(value) > 256 || !isTagText(value):
		return refusal("InvalidTag", http.StatusBadRequest, "The TagValue you have provided is invalid", "TagKey", key, "TagValue", value)
	}
	return nil
}

// isTagText reports whether a text has only letters, digits, spaces and + - = . _ : / @
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_Tag.html).
func isTagText(text string) bool {
	for _, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.In(r, unicode.Zs, unicode.Nl, unicode.No, unicode.M):
		case r == '+' || r == '-' || r == '=' || r == '.' || r == '_' || r == ':' || r == '/' || r == '@':
		default:
			return false
		}
	}
	return utf8.ValidString(text)
}
