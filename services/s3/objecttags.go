package s3

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

const (
	maxObjectTags = 10
	maxTagKey     = 128 // characters
	maxTagValue   = 256
)

// tagText is what keys and values of tags are made of.
var tagText = regexp.MustCompile(`^[\pL\pN\pZ_\s.:/=+\-@]*$`)

// objectTags reads the tags of a document. They are kept in the order of their keys.
func objectTags(tagging *api.Tagging) ([]object.Tag, error) {
	if tagging == nil || tagging.TagSet == nil {
		return nil, malformed()
	}
	tags := make([]object.Tag, 0, len(tagging.TagSet))
	for _, t := range tagging.TagSet {
		if t.Key == nil || t.Value == nil {
			return nil, malformed()
		}
		tags = append(tags, object.Tag{Key: *t.Key, Value: *t.Value})
	}
	return checkTags(tags)
}

// headerTags reads the tags of the header x-amz-tagging, which is written as the query of
// a URL is.
func headerTags(text *string) ([]object.Tag, error) {
	if kit.Value(text) == "" {
		return nil, nil
	}
	malformed := invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.", "x-amz-tagging", *text)
	values, err := url.ParseQuery(*text)
	if err != nil {
		return nil, malformed
	}
	var tags []object.Tag
	for key, all := range values {
		if len(all) > 1 || !utf8.ValidString(key) || !utf8.ValidString(all[0]) {
			return nil, malformed
		}
		tags = append(tags, object.Tag{Key: key, Value: all[0]})
	}
	return checkTags(tags)
}

func checkTags(tags []object.Tag) ([]object.Tag, error) {
	if len(tags) > maxObjectTags {
		return nil, refusal("BadRequest", http.StatusBadRequest, "Object tags cannot be greater than 10")
	}
	slices.SortStableFunc(tags, func(a, b object.Tag) int { return strings.Compare(a.Key, b.Key) })
	for i, t := range tags {
		switch {
		case i > 0 && tags[i-1].Key == t.Key:
			return nil, invalidTag("Cannot provide multiple Tags with the same key", "TagKey", t.Key)
		case strings.HasPrefix(t.Key, "aws:"):
			return nil, invalidTag("Your TagKey cannot be prefixed with aws:", "TagKey", t.Key)
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey || !tagText.MatchString(t.Key):
			return nil, invalidTag("The TagKey you have provided is invalid", "TagKey", t.Key)
		case utf8.RuneCountInString(t.Value) > maxTagValue || !tagText.MatchString(t.Value):
			return nil, invalidTag("The TagValue you have provided is invalid", "TagKey", t.Key, "TagValue", t.Value)
		}
	}
	return tags, nil
}

func invalidTag(message string, elements ...string) *wire.Error {
	return refusal("InvalidTag", http.StatusBadRequest, message, elements...)
}

// tagSet are tags as a document has them; never nil.
func tagSet(tags []object.Tag) []*api.Tag {
	all := make([]*api.Tag, len(tags))
	for i, t := range tags {
		all[i] = &api.Tag{Key: new(t.Key), Value: new(t.Value)}
	}
	return all
}
