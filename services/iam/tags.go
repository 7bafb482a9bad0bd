package iam

import (
	"cmp"
	"context"
	"slices"

	"millrace/runtime/identity"
	api "millrace/services/internal/api/iam"
	"millrace/services/internal/kit"
)

// maxTags is how many tags a role or a policy may have.
const maxTags = 50

func tagKey(t identity.Tag) string { return t.Key }

// Keys of a role's tags differ by more than their case, keys of a policy's need not.
var (
	roleTags   = tagRules(true, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	policyTags = tagRules(false, "Duplicate tag keys found.")
)

func tagRules(fold bool, duplicate string) kit.TagRules {
	return kit.TagRules{
		Max: maxTags, Fold: fold,
		Duplicate: func() error { return invalidInput("%s", duplicate) },
		TooMany:   func() error { return limitExceeded("The number of tags has reached the maximum limit.") },
	}
}

// given are the tags of a request.
func given(tags []*api.Tag) []identity.Tag {
	all := make([]identity.Tag, len(tags))
	for i, t := range tags {
		all[i] = identity.Tag{Key: *t.Key, Value: *t.Value}
	}
	return all
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
	_, err := s.describe(ctx, in.RoleName, func(r *identity.Role) (err error) {
		r.Tags, err = kit.AddTags(roleTags, r.Tags, given(in.Tags))
		return err
	})
	return &api.TagRoleOutput{}, err
}

// UntagRole   awsQuery
//
//   - a key that the role does not have is no error
func (s *Service) UntagRole(ctx context.Context, in *api.UntagRoleInput) (*api.UntagRoleOutput, error) {
	_, err := s.describe(ctx, in.RoleName, func(r *identity.Role) error {
		r.Tags = kit.RemoveTags(roleTags, r.Tags, in.TagKeys)
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
		p.Tags, err = kit.AddTags(policyTags, p.Tags, given(in.Tags))
		return err
	})
	return &api.TagPolicyOutput{}, err
}

// UntagPolicy   awsQuery
func (s *Service) UntagPolicy(ctx context.Context, in *api.UntagPolicyInput) (*api.UntagPolicyOutput, error) {
	err := s.changePolicy(ctx, "UntagPolicy", in.PolicyArn, notFound(in.PolicyArn), func(p *identity.Policy) error {
		p.Tags = kit.RemoveTags(policyTags, p.Tags, in.TagKeys)
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
