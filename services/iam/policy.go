package iam

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/identity"
	api "millrace/services/internal/api/iam"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// policyQuota is how many characters a managed policy may have.
const policyQuota = 6144

// policyKey tells a policy of AWS from one of the caller's with the same name.
func policyKey(p identity.Policy) string { return strings.ToLower(p.Name) + " " + p.Account }

// A policyARN is read from a request.
type policyARN struct {
	text, account, path, name string
}

// parsePolicyARN refuses what cannot name a managed policy: ValidationError for
// what is no ARN, InvalidInput for the ARN of something else.
func parsePolicyARN(text string) (policyARN, error) {
	a, err := arn.Parse(text)
	if err != nil {
		return policyARN{}, validation("ARN %s is not valid.", text)
	}
	rest, isPolicy := strings.CutPrefix(a.Resource, "policy/")
	if a.Service != "iam" || !isPolicy || rest == "" {
		return policyARN{}, invalidInput("ARN %s is not valid.", text)
	}
	dir, name := "/", rest
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		dir, name = "/"+rest[:i+1], rest[i+1:]
	}
	return policyARN{text, a.Account, dir, name}, nil
}

func (a policyARN) sortKey() string { return strings.ToLower(a.name) + " " + a.account }

// lookup finds a managed policy that the caller may see: its own, and AWS's.
func (s *Service) lookup(ctx context.Context, a policyARN) (p identity.Policy, ok bool) {
	switch a.account {
	case awsAccount:
		p, ok = awsPolicies[a.name]
	case account(ctx):
		p, ok = s.policies.Get(account(ctx), a.name)
	}
	return p, ok && p.ARN() == a.text
}

// policy returns a managed policy that the caller may see, or the error missing:
// a policy that is not there has several answers, by operation.
func (s *Service) policy(ctx context.Context, text *string, missing error) (identity.Policy, error) {
	a, err := parsePolicyARN(*text)
	if err != nil {
		return identity.Policy{}, err
	}
	p, ok := s.lookup(ctx, a)
	if !ok {
		return identity.Policy{}, missing
	}
	return p, nil
}

// changePolicy stores what edit makes of one of the caller's policies. AWS's
// own cannot be changed.
func (s *Service) changePolicy(ctx context.Context, action string, text *string, missing error, edit func(*identity.Policy) error) error {
	p, err := s.policy(ctx, text, missing)
	if err == nil {
		err = ownPolicy(ctx, p, action)
	}
	if err != nil {
		return err
	}
	err = s.policies.Update(ctx, p.Account, p.Name, edit)
	if errors.Is(err, fault.NotFound) {
		return missing
	}
	return err
}

// ownPolicy refuses an action on a policy of AWS.
func ownPolicy(ctx context.Context, p identity.Policy, action string) error {
	if p.Account != awsAccount {
		return nil
	}
	return &wire.Error{
		Code:   "AccessDenied",
		Status: http.StatusForbidden,
		Message: fmt.Sprintf("User: arn:aws:iam::%s:root is not authorized to perform: iam:%s on resource: policy %s",
			account(ctx), action, p.ARN()),
	}
}

// checkBoundary accepts a policy that a role may be bounded by.
func (s *Service) checkBoundary(ctx context.Context, text string) error {
	a, err := parsePolicyARN(text)
	if err != nil {
		return invalidInput("ARN %s is not valid.", text)
	}
	if _, ok := s.lookup(ctx, a); !ok && a.account != awsAccount {
		return noSuchEntity("Scope ARN: %s does not exist or is not attachable.", text)
	}
	return nil
}

// listedPolicy is a policy as lists and CreatePolicy show it.
func listedPolicy(p identity.Policy, used identity.PolicyUse) *api.Policy {
	return &api.Policy{
		PolicyName:                    &p.Name,
		PolicyId:                      &p.ID,
		Arn:                           new(p.ARN()),
		Path:                          &p.Path,
		DefaultVersionId:              new(versionID(p.Default)),
		AttachmentCount:               &used.Attached,
		PermissionsBoundaryUsageCount: &used.Bounding,
		IsAttachable:                  new(true),
		CreateDate:                    &p.Created,
		UpdateDate:                    &p.Updated,
	}
}

// CreatePolicy   awsQuery
//
//   - a name is taken in any case and on any path, else EntityAlreadyExists
//   - the document is checked, at most 6144 characters
//   - becomes version v1, the default
//
// Not supported: the checks of condition operators, and of services, actions and
// resource types by name.
func (s *Service) CreatePolicy(ctx context.Context, in *api.CreatePolicyInput) (*api.CreatePolicyOutput, error) {
	if err := checkManagedPolicy(*in.PolicyDocument); err != nil {
		return nil, err
	}
	tags, err := kit.AddTags(policyTags, nil, given(in.Tags))
	if err != nil {
		return nil, err
	}
	now := s.nowSeconds()
	p := identity.Policy{
		Account:     account(ctx),
		Name:        *in.PolicyName,
		Path:        kit.ValueOr(in.Path, "/"),
		ID:          identity.NewID("ANPA"),
		Description: kit.ValueOr(in.Description, ""),
		Created:     now,
		Updated:     now,
		Tags:        tags,
	}
	if _, err := p.AddVersion(*in.PolicyDocument, now, true); err != nil {
		return nil, err
	}
	err = s.policies.Create(ctx, p)
	if errors.Is(err, fault.Exists) {
		return nil, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
	}
	if err != nil {
		return nil, err
	}
	out := listedPolicy(p, identity.PolicyUse{})
	if len(tags) > 0 {
		out.Tags = shown(tags)
	}
	return &api.CreatePolicyOutput{Policy: out}, nil
}

// GetPolicy   awsQuery
//
// Not supported: AWS's own policies beyond thirteen that event services use; the
// others can be attached, not read.
func (s *Service) GetPolicy(ctx context.Context, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn, notFound(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	out := listedPolicy(p, s.roles.PolicyUses(account(ctx))[p.ARN()])
	out.Tags = shown(p.Tags)
	if p.Description != "" {
		out.Description = &p.Description
	}
	return &api.GetPolicyOutput{Policy: out}, nil
}

// ListPolicies   awsQuery
//
//   - in the order of names, 100 a page, those below PathPrefix
//   - Scope: the caller's (Local), AWS's, or all
//   - OnlyAttached and PolicyUsageFilter: those that some role uses, and how
func (s *Service) ListPolicies(ctx context.Context, in *api.ListPoliciesInput) (*api.ListPoliciesOutput, error) {
	var policies []identity.Policy
	scope := kit.ValueOr(in.Scope, "All")
	if scope != "AWS" {
		policies = s.policies.List(account(ctx))
	}
	if scope != "Local" {
		for _, p := range awsPolicies {
			policies = append(policies, p)
		}
	}
	uses := s.roles.PolicyUses(account(ctx))
	policies = slices.DeleteFunc(policies, func(p identity.Policy) bool {
		used := uses[p.ARN()].Attached > 0
		if kit.ValueOr(in.PolicyUsageFilter, "") == "PermissionsBoundary" {
			used = uses[p.ARN()].Bounding > 0
		}
		return kit.ValueOr(in.OnlyAttached, false) && !used || !strings.HasPrefix(p.Path, kit.ValueOr(in.PathPrefix, "/"))
	})
	policies, marker, truncated, err := page(policies, policyKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	out := &api.ListPoliciesOutput{Policies: []*api.Policy{}, Marker: marker, IsTruncated: truncated}
	for _, p := range policies {
		out.Policies = append(out.Policies, listedPolicy(p, uses[p.ARN()]))
	}
	return out, nil
}

// DeletePolicy   awsQuery
//
//   - refuses with DeleteConflict while a role uses it, or while it has more
//     versions than the default
func (s *Service) DeletePolicy(ctx context.Context, in *api.DeletePolicyInput) (*api.DeletePolicyOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn, notFound(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	if err := ownPolicy(ctx, p, "DeletePolicy"); err != nil {
		return nil, err
	}
	if s.roles.PolicyUses(account(ctx))[p.ARN()] != (identity.PolicyUse{}) {
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	}
	if len(p.Versions) > 1 {
		return nil, deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	err = s.policies.Delete(ctx, p.Account, p.Name)
	if errors.Is(err, fault.NotFound) {
		return nil, notFound(in.PolicyArn)
	}
	return &api.DeletePolicyOutput{}, err
}

// ListEntitiesForPolicy   awsQuery
//
//   - roles alone: there are no users and groups here
func (s *Service) ListEntitiesForPolicy(ctx context.Context, in *api.ListEntitiesForPolicyInput) (*api.ListEntitiesForPolicyOutput, error) {
	a, err := parsePolicyARN(*in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if _, ok := s.lookup(ctx, a); !ok && a.account != awsAccount {
		return nil, notFound(in.PolicyArn)
	}
	roles := s.roles.List(account(ctx))
	roles = slices.DeleteFunc(roles, func(r identity.Role) bool {
		uses := slices.Contains(r.Attached, a.text)
		switch kit.ValueOr(in.PolicyUsageFilter, "") {
		case "PermissionsBoundary":
			uses = r.Boundary == a.text
		case "":
			uses = uses || r.Boundary == a.text
		}
		return !uses || !strings.HasPrefix(r.Path, kit.ValueOr(in.PathPrefix, "/")) || kit.ValueOr(in.EntityFilter, "Role") != "Role"
	})
	roles, marker, truncated, err := page(roles, roleKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	out := &api.ListEntitiesForPolicyOutput{
		PolicyGroups: []*api.PolicyGroup{},
		PolicyUsers:  []*api.PolicyUser{},
		PolicyRoles:  []*api.PolicyRole{},
		Marker:       marker,
		IsTruncated:  truncated,
	}
	for _, r := range roles {
		out.PolicyRoles = append(out.PolicyRoles, &api.PolicyRole{RoleName: &r.Name, RoleId: &r.ID})
	}
	return out, nil
}

func checkManagedPolicy(text string) error {
	if err := malformed(checkPolicy(text, true)); err != nil {
		return err
	}
	if identity.DocumentSize(text) > policyQuota {
		return limitExceeded("Cannot exceed quota for PolicySize: %d", policyQuota)
	}
	return nil
}
