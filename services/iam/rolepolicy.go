package iam

import (
	"context"
	"maps"
	"slices"
	"strings"

	"millrace/runtime/identity"
	api "millrace/services/internal/api/iam"
	"millrace/services/internal/kit"
)

// AttachRolePolicy   awsQuery
//
//   - the policy is one of the caller's, or any of AWS's
//   - attaching it again changes nothing
//   - an eleventh is refused with LimitExceeded
//   - the policy of a service-linked role is refused with PolicyNotAttachable
//
// Not supported: the refusal of a policy that AWS does not have.
func (s *Service) AttachRolePolicy(ctx context.Context, in *api.AttachRolePolicyInput) (*api.AttachRolePolicyOutput, error) {
	a, err := parsePolicyARN(*in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if _, ok := s.lookup(ctx, a); !ok && a.account != awsAccount {
		return nil, notAttachable(in.PolicyArn)
	}
	_, err = s.change(ctx, in.RoleName, func(r *identity.Role) error {
		if a.account == awsAccount && a.path == servicePath {
			return api.ErrPolicyNotAttachableException("Cannot attach a Service Role Policy to a Customer Role.")
		}
		if err := r.Attach(a.text); err != nil {
			return limitExceeded("Cannot exceed quota for PoliciesPerRole: %d", identity.MaxAttached)
		}
		return nil
	})
	return &api.AttachRolePolicyOutput{}, err
}

// DetachRolePolicy   awsQuery
//
//   - a policy that is not attached is NoSuchEntity
func (s *Service) DetachRolePolicy(ctx context.Context, in *api.DetachRolePolicyInput) (*api.DetachRolePolicyOutput, error) {
	a, err := parsePolicyARN(*in.PolicyArn)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, in.RoleName, func(r *identity.Role) error {
		if err := r.Detach(a.text); err != nil {
			return notFound(in.PolicyArn)
		}
		return nil
	})
	return &api.DetachRolePolicyOutput{}, err
}

// ListAttachedRolePolicies   awsQuery
//
//   - in the order of names, 100 a page, those below PathPrefix
func (s *Service) ListAttachedRolePolicies(ctx context.Context, in *api.ListAttachedRolePoliciesInput) (*api.ListAttachedRolePoliciesOutput, error) {
	r, err := s.role(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	var attached []policyARN
	for _, text := range r.Attached {
		a, err := parsePolicyARN(text)
		if err == nil && strings.HasPrefix(a.path, kit.ValueOr(in.PathPrefix, "/")) {
			attached = append(attached, a)
		}
	}
	attached, marker, truncated, err := page(attached, policyARN.sortKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	out := &api.ListAttachedRolePoliciesOutput{AttachedPolicies: []*api.AttachedPolicy{}, Marker: marker, IsTruncated: truncated}
	for _, a := range attached {
		out.AttachedPolicies = append(out.AttachedPolicies, &api.AttachedPolicy{PolicyArn: &a.text, PolicyName: &a.name})
	}
	return out, nil
}

// PutRolePolicy   awsQuery
//
//   - adds an inline policy, or replaces the one of that name
//   - the document is checked; all of a role's have at most 10240 characters
func (s *Service) PutRolePolicy(ctx context.Context, in *api.PutRolePolicyInput) (*api.PutRolePolicyOutput, error) {
	if err := malformed(checkPolicy(*in.PolicyDocument, false)); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, in.RoleName, func(r *identity.Role) error {
		if err := r.PutInline(*in.PolicyName, *in.PolicyDocument); err != nil {
			return limitExceeded("Maximum policy size of %d bytes exceeded for role %s", identity.MaxInlineSize, r.Name)
		}
		return nil
	})
	return &api.PutRolePolicyOutput{}, err
}

// GetRolePolicy   awsQuery
//
//   - answers the document, percent-encoded
func (s *Service) GetRolePolicy(ctx context.Context, in *api.GetRolePolicyInput) (*api.GetRolePolicyOutput, error) {
	r, err := s.role(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	text, ok := r.Inline[*in.PolicyName]
	if !ok {
		return nil, noRolePolicy(*in.PolicyName)
	}
	return &api.GetRolePolicyOutput{RoleName: &r.Name, PolicyName: in.PolicyName, PolicyDocument: encode(text)}, nil
}

// ListRolePolicies   awsQuery
//
//   - the names of the inline policies, in their order, 100 a page
func (s *Service) ListRolePolicies(ctx context.Context, in *api.ListRolePoliciesInput) (*api.ListRolePoliciesOutput, error) {
	r, err := s.role(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	self := func(name string) string { return name }
	names, marker, truncated, err := page(slices.Collect(maps.Keys(r.Inline)), self, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &api.ListRolePoliciesOutput{PolicyNames: append([]string{}, names...), Marker: marker, IsTruncated: truncated}, nil
}

// DeleteRolePolicy   awsQuery
func (s *Service) DeleteRolePolicy(ctx context.Context, in *api.DeleteRolePolicyInput) (*api.DeleteRolePolicyOutput, error) {
	_, err := s.change(ctx, in.RoleName, func(r *identity.Role) error {
		if err := r.DeleteInline(*in.PolicyName); err != nil {
			return noRolePolicy(*in.PolicyName)
		}
		return nil
	})
	return &api.DeleteRolePolicyOutput{}, err
}

func noRolePolicy(name string) error {
	return noSuchEntity("The role policy with name %s cannot be found.", name)
}
