package iam

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"millrace/runtime/identity"
	api "millrace/services/internal/api/iam"
)

// maxTags is how many tags a role or a policy may have.
const maxTags = 50

func tagKey(t identity.Tag) string { return t.Key }

// A tagging is the rules of one kind of thing: keys of roles differ by more
// than their case, keys of policies do not have to.
type tagging struct {
	same      func(a, b string) bool
	duplicate string // what AWS says of the same key twice in a request
}

var (
	roleTags   = tagging{strings.EqualFold, "Duplicate tag keys found. Please note that Tag keys are case insensitive."}
	policyTags = tagging{func(a, b string) bool { return a == b }, "Duplicate tag keys found."}
)

// with returns tags with more added to them, or put in their place.
func (t tagging) with(tags []identity.Tag, more []*api.Tag) ([]identity.Tag, error) {
	tags = slices.Clone(tags)
	for i, m := range more {
		twice := func(other *api.Tag) bool { return t.same(*other.Key, *m.Key) }
		if slices.ContainsFunc(more[:i], twice) {
			return nil, invalidInput("%s", t.duplicate)
		}
		fresh := identity.Tag{Key: *m.Key, Value: *m.Value}
		if at := slices.IndexFunc(tags, func(old identity.Tag) bool { return t.same(old.Key, fresh.Key) }); at >= 0 {
			tags[at] = fresh
		} else {
			tags = append(tags, fresh)
		}
	}
	if len(tags) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return tags, nil
}

// without returns tags but those of the keys.
func (t tagging) without(tags []identity.Tag, keys []string) []identity.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(old identity.Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return t.same(old.Key, k) })
	})
}

// shown are tags as answers list them: in the order of their keys, as bytes.
func shown(tags []identity.Tag) []*api.Tag {
	out := make([]*api.Tag, 0, len(tags))
	for _, t := range slices.SortedFunc(slices.Values(tags), func(a, b identity.Tag) int { return cmp.Compare(a.Key, b.Key) }) {
		out = append(out, &api.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out
}

// roleTagsShown are what an answer that shows the role says: nothing rather than an empty list.
func roleTagsShown(r identity.Role) []*api.Tag {
	if len(r.Tags) == 0 {
		return nil
	}
	return shown(r.Tags)
}

// TagRole   awsQuery
//
//   - keys differ by more than their case, else InvalidInput
//   - at most 50 tags
func (s *Service) TagRole(ctx context.Context, in *api.TagRoleInput) (*api.TagRoleOutput, error) {
	_, err := s.change(ctx, in.RoleName, func(r *identity.Role) (err error) {
		r.Tags, err = roleTags.with(r.Tags, in.Tags)
		return err
	})
	return &api.TagRoleOutput{}, err
}

// UntagRole   awsQuery
//
//   - a key that the role does not have is no error
func (s *Service) UntagRole(ctx context.Context, in *api.UntagRoleInput) (*api.UntagRoleOutput, error) {
	_, err := s.change(ctx, in.RoleName, func(r *identity.Role) error {
		r.Tags = roleTags.without(r.Tags, in.TagKeys)
		return nil
	})
	return &api.UntagRoleOutput{}, err
}

// ListRoleTags   awsQuery
//
//   - in the order of their keys
func (s *Service) ListRoleTags(ctx context.Context, in *api.ListRoleTagsInput) (*api.ListRoleTagsOutput, error) {
	r, err := s.role(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	tags, marker, truncated, err := page(r.Tags, tagKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &api.ListRoleTagsOutput{Tags: shown(tags), Marker: marker, IsTruncated: truncated}, nil
}

// TagPolicy   awsQuery
//
//   - keys of policies may differ by their case alone
func (s *Service) TagPolicy(ctx context.Context, in *api.TagPolicyInput) (*api.TagPolicyOutput, error) {
	err := s.changePolicy(ctx, "TagPolicy", in.PolicyArn, notFound(in.PolicyArn), func(p *identity.Policy) (err error) {
		p.Tags, err = policyTags.with(p.Tags, in.Tags)
		return err
	})
	return &api.TagPolicyOutput{}, err
}

// UntagPolicy   awsQuery
func (s *Service) UntagPolicy(ctx context.Context, in *api.UntagPolicyInput) (*api.UntagPolicyOutput, error) {
	err := s.changePolicy(ctx, "UntagPolicy", in.PolicyArn, notFound(in.PolicyArn), func(p *identity.Policy) error {
		p.Tags = policyTags.without(p.Tags, in.TagKeys)
		return nil
	})
	return &api.UntagPolicyOutput{}, err
}

// ListPolicyTags   awsQuery
func (s *Service) ListPolicyTags(ctx context.Context, in *api.ListPolicyTagsInput) (*api.ListPolicyTagsOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn, notFound(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	tags, marker, truncated, err := page(p.Tags, tagKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &api.ListPolicyTagsOutput{Tags: shown(tags), Marker: marker, IsTruncated: truncated}, nil
}
