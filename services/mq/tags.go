package mq

import (
	"context"
	"maps"
	"strings"
	"unicode/utf8"

	"millrace/runtime/arn"
	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// ownPrefix begins tags that say something of ours, which nobody can set or remove.
const ownPrefix = "millrace:"

// engineTag says what really runs behind a broker.
const engineTag = ownPrefix + "engine"

var tagRules = kit.TagRules{
	Max:     catalog.MaxTags,
	TooMany: func() error { return bad("tags", "A resource can have at most [%d] tags.", catalog.MaxTags) },
	Check: func(key, value string) error {
		switch {
		case kit.IsReservedTag(key), strings.HasPrefix(strings.ToLower(key), ownPrefix):
			return bad("tags", "Tag keys that begin with aws: or millrace: are reserved.")
		case key == "" || utf8.RuneCountInString(key) > 128 || !utf8.ValidString(key):
			return bad("tags", "Tag keys must have 1-128 characters.")
		case utf8.RuneCountInString(value) > 256 || !utf8.ValidString(value):
			return bad("tags", "Tag values must have at most 256 characters.")
		}
		return nil
	},
}

func checkTags(tags map[string]string) error {
	_, err := tagRules.AddTagMap(nil, tags)
	return err
}

// brokerTags are a broker's, and what really runs behind it.
func brokerTags(b *broker.Broker) map[string]string {
	tags := map[string]string{}
	maps.Copy(tags, b.Tags)
	if b.Software != "" {
		tags[engineTag] = b.Software
	}
	return tags
}

// A taggable is a resource that carries tags.
type taggable struct {
	tags   map[string]string
	change func(context.Context, func(map[string]string) (map[string]string, error)) error
}

// tagged finds the broker or configuration that an ARN means.
func (s *Service) tagged(ctx context.Context, action string, resource *string) (t taggable, err error) {
	c := identity.From(ctx)
	a, err := arn.Parse(kit.Value(resource))
	if err != nil || a.Service != "mq" {
		return t, bad("resource-arn", "Invalid resource ARN [%.200s].", kit.Value(resource))
	}
	if a.Account != c.Account {
		return t, forbidden(&c, action, a.String())
	}
	kind, rest, _ := strings.Cut(a.Resource, ":")
	id := rest[strings.LastIndexByte(rest, ':')+1:]
	switch {
	case a.Region != c.Region:
		return t, notFoundARN(a)
	case kind == "broker":
		b, err := s.broker(ctx, &id)
		if err == nil && b.ARN() != a {
			err = notFoundARN(a)
		}
		return taggable{brokerTags(&b), func(ctx context.Context, f func(map[string]string) (map[string]string, error)) error {
			return s.brokers.Tag(ctx, b, f)
		}}, err
	case kind == "configuration":
		f, err := s.configuration(ctx, &id)
		if err == nil && f.ARN() != a {
			err = notFoundARN(a)
		}
		return taggable{f.Tags, func(ctx context.Context, change func(map[string]string) (map[string]string, error)) error {
			return s.configs.Tag(ctx, f, change)
		}}, err
	}
	return t, notFoundARN(a)
}

func notFoundARN(a arn.ARN) error {
	return of(api.ErrNotFoundException("Can't find requested resource ["+a.String()+"]. Make sure your resource exists."), "resource-arn")
}
