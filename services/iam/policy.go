package iam

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	api "millrace/services/internal/api/iam"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// policyQuota is how many characters a managed policy may have.
const policyQuota = 6144

// A policy is a managed policy: one record with its versions.
type policy struct {
	Account     string // or awsAccount
	Name        string
	Path        string // begins and ends with a slash
	ID          string
	Description string `json:",omitzero"`
	Created     time.Time
	Updated     time.Time // when its newest version came
	Default     int       // number of the version in force
	Versions    []version // newest first
	Last        int       // the highest number ever given to a version
	Tags        []tag     `json:",omitzero"`
}

func (p policy) arn() string {
	return arn.New("iam", "", p.Account, "policy"+p.Path+p.Name).String()
}

// sortKey tells a policy of AWS from one of the caller's with the same name.
func (p policy) sortKey() string { return strings.ToLower(p.Name) + " " + p.Account }

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
func (s *Service) lookup(ctx context.Context, a policyARN) (p policy, ok bool) {
	switch a.account {
	case awsAccount:
		p, ok = awsPolicies[a.name]
	case identity.From(ctx).Account:
		p, ok = s.policies.Get(key(ctx, a.name))
	}
	return p, ok && p.arn() == a.text
}

// policy returns a managed policy that the caller may see, or the error missing:
// a policy that is not there has several answers, by operation.
func (s *Service) policy(ctx context.Context, text *string, missing error) (policy, error) {
	a, err := parsePolicyARN(*text)
	if err != nil {
		return policy{}, err
	}
	p, ok := s.lookup(ctx, a)
	if !ok {
		return policy{}, missing
	}
	return p, nil
}

// changePolicy stores what edit makes of one of the caller's policies. AWS's
// own cannot be changed.
func (s *Service) changePolicy(ctx context.Context, action string, text *string, missing error, edit func(*policy) error) error {
	p, err := s.policy(ctx, text, missing)
	if err == nil {
		err = p.own(ctx, action)
	}
	if err != nil {
		return err
	}
	_, err = s.policies.Update(ctx, key(ctx, p.Name), func(p policy) (policy, error) {
		err := edit(&p)
		return p, err
	})
	if errors.Is(err, fault.NotFound) {
		return missing
	}
	return err
}

// own refuses an action on a policy of AWS.
func (p policy) own(ctx context.Context, action string) error {
	if p.Account != awsAccount {
		return nil
	}
	return &wire.Error{
		Code:   "AccessDenied",
		Status: http.StatusForbidden,
		Message: fmt.Sprintf("User: arn:aws:iam::%s:root is not authorized to perform: iam:%s on resource: policy %s",
			identity.From(ctx).Account, action, p.arn()),
	}
}

// A use counts the roles that a policy is attached to, and those that it bounds.
type use struct{ attached, bounding int32 }

// uses are those of the caller's roles, by the policies' ARNs. Who asks for many
// policies asks once: roles are read anew every time.
func (s *Service) uses(ctx context.Context) map[string]use {
	uses := map[string]use{}
	for _, r := range s.roles.List(all(ctx)) {
		for _, arn := range r.Attached {
			u := uses[arn]
			u.attached++
			uses[arn] = u
		}
		if r.Boundary != "" {
			u := uses[r.Boundary]
			u.bounding++
			uses[r.Boundary] = u
		}
	}
	return uses
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

// listed is a policy as lists and CreatePolicy show it.
func (p policy) listed(used use) *api.Policy {
	return &api.Policy{
		PolicyName:                    &p.Name,
		PolicyId:                      &p.ID,
		Arn:                           new(p.arn()),
		Path:                          &p.Path,
		DefaultVersionId:              new(versionID(p.Default)),
		AttachmentCount:               &used.attached,
		PermissionsBoundaryUsageCount: &used.bounding,
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
	tags, err := policyTags.with(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	now := s.nowSeconds()
	p := policy{
		Account:     identity.From(ctx).Account,
		Name:        *in.PolicyName,
		Path:        valueOr(in.Path, "/"),
		ID:          newID("ANPA"),
		Description: valueOr(in.Description, ""),
		Created:     now,
		Updated:     now,
		Tags:        tags,
	}
	p.addVersion(*in.PolicyDocument, now, true)
	err = s.policies.Create(ctx, key(ctx, p.Name), p)
	if errors.Is(err, fault.Exists) {
		return nil, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
	}
	if err != nil {
		return nil, err
	}
	out := p.listed(use{})
	if len(tags) > 0 {
		out.Tags = shown(tags)
	}
	return &api.CreatePolicyOutput{Policy: out}, nil
}

// GetPolicy   awsQuery
//
// Not supported: AWS's own policies beyond eight that event services use; the
// others can be attached, not read.
func (s *Service) GetPolicy(ctx context.Context, in *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn, notFound(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	out := p.listed(s.uses(ctx)[p.arn()])
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
	var policies []policy
	scope := valueOr(in.Scope, "All")
	if scope != "AWS" {
		policies = s.policies.List(all(ctx))
	}
	if scope != "Local" {
		for _, p := range awsPolicies {
			policies = append(policies, p)
		}
	}
	uses := s.uses(ctx)
	policies = slices.DeleteFunc(policies, func(p policy) bool {
		used := uses[p.arn()].attached > 0
		if valueOr(in.PolicyUsageFilter, "") == "PermissionsBoundary" {
			used = uses[p.arn()].bounding > 0
		}
		return valueOr(in.OnlyAttached, false) && !used || !strings.HasPrefix(p.Path, valueOr(in.PathPrefix, "/"))
	})
	policies, marker, truncated, err := page(policies, policy.sortKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	out := &api.ListPoliciesOutput{Policies: []*api.Policy{}, Marker: marker, IsTruncated: truncated}
	for _, p := range policies {
		out.Policies = append(out.Policies, p.listed(uses[p.arn()]))
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
	if err := p.own(ctx, "DeletePolicy"); err != nil {
		return nil, err
	}
	if s.uses(ctx)[p.arn()] != (use{}) {
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	}
	if len(p.Versions) > 1 {
		return nil, deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	err = s.policies.Delete(ctx, key(ctx, p.Name))
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
	roles := s.roles.List(all(ctx))
	roles = slices.DeleteFunc(roles, func(r role) bool {
		uses := slices.Contains(r.Attached, a.text)
		switch valueOr(in.PolicyUsageFilter, "") {
		case "PermissionsBoundary":
			uses = r.Boundary == a.text
		case "":
			uses = uses || r.Boundary == a.text
		}
		return !uses || !strings.HasPrefix(r.Path, valueOr(in.PathPrefix, "/")) || valueOr(in.EntityFilter, "Role") != "Role"
	})
	roles, marker, truncated, err := page(roles, role.sortKey, listing{in.Marker, in.MaxItems})
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
	if size(text) > policyQuota {
		return limitExceeded("Cannot exceed quota for PolicySize: %d", policyQuota)
	}
	return nil
}
