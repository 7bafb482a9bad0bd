package iam

import (
	"context"
	"errors"
	"slices"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/identity"
	api "millrace/services/internal/api/iam"
	"millrace/services/internal/kit"
)

// trustQuota is how many characters a trust policy may have.
const trustQuota = 2048

// The answers show less or more of a role: create shows neither description nor
// session length, lists neither tags nor boundary, and only get shows all.

func createdRole(r identity.Role) *api.Role {
	shown := &api.Role{
		Path:                     &r.Path,
		RoleName:                 &r.Name,
		RoleId:                   &r.ID,
		Arn:                      new(r.ARN()),
		CreateDate:               &r.Created,
		AssumeRolePolicyDocument: encode(r.Trust),
		Tags:                     roleTagsShown(r),
	}
	if r.Boundary != "" {
		shown.PermissionsBoundary = &api.AttachedPermissionsBoundary{
			PermissionsBoundaryArn:  &r.Boundary,
			PermissionsBoundaryType: new("Policy"), // not the model's PermissionsBoundaryPolicy
		}
	}
	return shown
}

func fullRole(r identity.Role) *api.Role {
	shown := createdRole(r)
	shown.MaxSessionDuration = &r.MaxSession
	shown.RoleLastUsed = &api.RoleLastUsed{}
	if r.Description != "" {
		shown.Description = &r.Description
	}
	return shown
}

func listedRole(r identity.Role) *api.Role {
	shown := fullRole(r)
	shown.RoleLastUsed, shown.PermissionsBoundary, shown.Tags = nil, nil, nil
	return shown
}

// role returns the caller's role of that name.
func (s *Service) role(ctx context.Context, name *string) (identity.Role, error) {
	r, ok := s.roles.Get(account(ctx), *name)
	if !ok {
		return identity.Role{}, noRole(*name)
	}
	return r, nil
}

// change stores what edit makes of the caller's role of that name, unless a service
// alone changes it.
func (s *Service) change(ctx context.Context, name *string, edit func(*identity.Role) error) (identity.Role, error) {
	return s.describe(ctx, name, func(r *identity.Role) error {
		if r.Service != "" {
			return protected(r.Name)
		}
		return edit(r)
	})
}

// describe is change for what can be changed of service-linked roles too: the description
// and the tags.
func (s *Service) describe(ctx context.Context, name *string, edit func(*identity.Role) error) (identity.Role, error) {
	r, err := s.roles.Update(ctx, account(ctx), *name, edit)
	if errors.Is(err, fault.NotFound) {
		return identity.Role{}, noRole(*name)
	}
	return r, err
}

// CreateRole   awsQuery
//
//   - a name is taken in any case, else EntityAlreadyExists
//   - the trust policy is checked, at most 2048 characters
//   - sessions last 3600 s at most unless MaxSessionDuration says otherwise
//   - the permissions boundary must exist
func (s *Service) CreateRole(ctx context.Context, in *api.CreateRoleInput) (*api.CreateRoleOutput, error) {
	if err := checkTrustPolicy(*in.AssumeRolePolicyDocument); err != nil {
		return nil, err
	}
	tags, err := kit.AddTags(roleTags, nil, given(in.Tags))
	if err != nil {
		return nil, err
	}
	r := identity.Role{
		Account:     account(ctx),
		Name:        *in.RoleName,
		Path:        kit.ValueOr(in.Path, "/"),
		ID:          identity.NewID("AROA"),
		Description: kit.ValueOr(in.Description, ""),
		Trust:       *in.AssumeRolePolicyDocument,
		MaxSession:  kit.ValueOr(in.MaxSessionDuration, 3600),
		Boundary:    kit.ValueOr(in.PermissionsBoundary, ""),
		Created:     s.nowSeconds(),
		Tags:        tags,
	}
	if r.Boundary != "" {
		if err := s.checkBoundary(ctx, r.Boundary); err != nil {
			return nil, err
		}
	}
	err = s.roles.Create(ctx, r)
	if errors.Is(err, fault.Exists) {
		return nil, alreadyExists("Role with name %s already exists.", r.Name)
	}
	return &api.CreateRoleOutput{Role: createdRole(r)}, err
}

// GetRole   awsQuery
//
// Not supported: RoleLastUsed, which is empty as for a role that was never used.
func (s *Service) GetRole(ctx context.Context, in *api.GetRoleInput) (*api.GetRoleOutput, error) {
	r, err := s.role(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	return &api.GetRoleOutput{Role: fullRole(r)}, nil
}

// ListRoles   awsQuery
//
//   - in the order of names, 100 a page, those below PathPrefix
//   - shows neither tags nor boundary
func (s *Service) ListRoles(ctx context.Context, in *api.ListRolesInput) (*api.ListRolesOutput, error) {
	roles := s.roles.List(account(ctx))
	if in.PathPrefix != nil {
		roles = slices.DeleteFunc(roles, func(r identity.Role) bool { return !strings.HasPrefix(r.Path, *in.PathPrefix) })
	}
	roles, marker, truncated, err := page(roles, roleKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	out := &api.ListRolesOutput{Roles: []*api.Role{}, Marker: marker, IsTruncated: truncated}
	for _, r := range roles {
		out.Roles = append(out.Roles, listedRole(r))
	}
	return out, nil
}

func roleKey(r identity.Role) string { return strings.ToLower(r.Name) }

// DeleteRole   awsQuery
//
//   - refuses with DeleteConflict while policies are attached or in line
//   - refuses a service-linked role with UnmodifiableEntity
func (s *Service) DeleteRole(ctx context.Context, in *api.DeleteRoleInput) (*api.DeleteRoleOutput, error) {
	r, err := s.role(ctx, in.RoleName)
	switch {
	case err != nil:
		return nil, err
	case r.Service != "":
		return nil, protected(r.Name)
	case len(r.Attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	err = s.roles.Delete(ctx, r.Account, r.Name)
	if errors.Is(err, fault.NotFound) {
		return nil, noRole(*in.RoleName)
	}
	return &api.DeleteRoleOutput{}, err
}

// UpdateRole   awsQuery
//
//   - changes what is given, and leaves the rest
//   - of a service-linked role, the description alone
func (s *Service) UpdateRole(ctx context.Context, in *api.UpdateRoleInput) (*api.UpdateRoleOutput, error) {
	change := s.change
	if in.MaxSessionDuration == nil {
		change = s.describe
	}
	_, err := change(ctx, in.RoleName, func(r *identity.Role) error {
		r.Description = kit.ValueOr(in.Description, r.Description)
		r.MaxSession = kit.ValueOr(in.MaxSessionDuration, r.MaxSession)
		return nil
	})
	return &api.UpdateRoleOutput{}, err
}

// UpdateRoleDescription   awsQuery
//
// The older way to do it; answers the role without its session length.
func (s *Service) UpdateRoleDescription(ctx context.Context, in *api.UpdateRoleDescriptionInput) (*api.UpdateRoleDescriptionOutput, error) {
	r, err := s.describe(ctx, in.RoleName, func(r *identity.Role) error {
		r.Description = *in.Description
		return nil
	})
	if err != nil {
		return nil, err
	}
	shown := fullRole(r)
	shown.MaxSessionDuration, shown.RoleLastUsed = nil, nil
	return &api.UpdateRoleDescriptionOutput{Role: shown}, nil
}

// UpdateAssumeRolePolicy   awsQuery
//
//   - the trust policy is checked as in CreateRole
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, in *api.UpdateAssumeRolePolicyInput) (*api.UpdateAssumeRolePolicyOutput, error) {
	if err := checkTrustPolicy(*in.PolicyDocument); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, in.RoleName, func(r *identity.Role) error {
		r.Trust = *in.PolicyDocument
		return nil
	})
	return &api.UpdateAssumeRolePolicyOutput{}, err
}

// ListInstanceProfilesForRole   awsQuery
//
// There are no instances here, so there are no profiles; deployment tools ask
// before they delete a role.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, in *api.ListInstanceProfilesForRoleInput) (*api.ListInstanceProfilesForRoleOutput, error) {
	if _, err := s.role(ctx, in.RoleName); err != nil {
		return nil, err
	}
	return &api.ListInstanceProfilesForRoleOutput{InstanceProfiles: []*api.InstanceProfile{}, IsTruncated: new(false)}, nil
}

func checkTrustPolicy(text string) error {
	if err := malformed(checkTrust(text)); err != nil {
		return err
	}
	if identity.DocumentSize(text) > trustQuota {
		return limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", trustQuota)
	}
	return nil
}
