package lambda

import (
	"context"
	"maps"

	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/kit"
)

// ListTags   restJson1
//
//   - Resource is the unqualified ARN of a function, or the ARN of a mapping
func (s *Service) ListTags(ctx context.Context, in *api.ListTagsInput) (*api.ListTagsOutput, error) {
	t, err := s.tagged(ctx, "ListTags", in.Resource)
	if err != nil {
		return nil, err
	}
	tags, err := t.read()
	if err != nil {
		return nil, fromDomain(err)
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return &api.ListTagsOutput{Tags: tags}, nil
}

// TagResource   restJson1
//
//   - adds tags and overwrites those with the same key, up to 50
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	t, err := s.tagged(ctx, "TagResource", in.Resource)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalidValue("An error occurred and the request cannot be processed.")
	}
	err = t.change(ctx, func(tags map[string]string) error {
		all, err := tagRules.AddTagMap(tags, in.Tags)
		maps.Copy(tags, all)
		return err
	})
	return &api.TagResourceOutput{}, fromDomain(err)
}

// UntagResource   restJson1
//
//   - removes the tags with the given keys; keys that are not there are ignored
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	t, err := s.tagged(ctx, "UntagResource", in.Resource)
	if err != nil {
		return nil, err
	}
	err = t.change(ctx, func(tags map[string]string) error {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return nil
	})
	return &api.UntagResourceOutput{}, fromDomain(err)
}

// A taggable is a resource that carries tags.
type taggable struct {
	read   func() (map[string]string, error)
	change func(context.Context, func(map[string]string) error) error
}

// tagged finds the resource that an ARN means, for an action of lambda's.
func (s *Service) tagged(ctx context.Context, action string, resource *string) (taggable, error) {
	id, qualifier, ok := function.IDFromARN(kit.Value(resource))
	if !ok {
		return s.taggedMapping(ctx, action, kit.Value(resource))
	}
	if _, err := named(ctx, action, resource, nil); err != nil {
		return taggable{}, err
	}
	if qualifier != "" {
		return taggable{}, invalidValue("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return taggable{
		read: func() (map[string]string, error) {
			f, err := s.functions.Get(id)
			return f.Tags, err
		},
		change: func(ctx context.Context, change func(map[string]string) error) error {
			_, err := s.functions.Update(ctx, id, func(f *function.Function) error {
				if f.Tags == nil {
					f.Tags = map[string]string{}
				}
				return change(f.Tags)
			})
			return err
		},
	}, nil
}

var tagRules = kit.TagRules{
	Max:     50,
	TooMany: func() error { return invalidValue("Number of tags exceeds resource tag limit.") },
}

// checkTags checks the tags of a new resource.
func checkTags(tags map[string]string) error {
	_, err := tagRules.AddTagMap(nil, tags)
	return err
}
