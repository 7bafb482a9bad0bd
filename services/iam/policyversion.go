package iam

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/identity"
	api "millrace/services/internal/api/iam"
	"millrace/services/internal/kit"
)

func versionID(number int) string { return fmt.Sprintf("v%d", number) }

// versionNumber reads the id of a version; 0 for none.
func versionNumber(id string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "v"))
	if err != nil || versionID(n) != id {
		return 0
	}
	return n
}

// versionKey puts the newest version first.
func versionKey(v identity.Version) string { return fmt.Sprintf("%09d", int(1e9)-1-v.Number) }

// shownVersion is a version without its document, as lists have it.
func shownVersion(p identity.Policy, v identity.Version) *api.PolicyVersion {
	return &api.PolicyVersion{VersionId: new(versionID(v.Number)), IsDefaultVersion: new(v.Number == p.Default), CreateDate: &v.Created}
}

// CreatePolicyVersion   awsQuery
//
//   - the document is checked as in CreatePolicy
//   - a sixth version is refused with LimitExceeded
func (s *Service) CreatePolicyVersion(ctx context.Context, in *api.CreatePolicyVersionInput) (*api.CreatePolicyVersionOutput, error) {
	if err := checkManagedPolicy(*in.PolicyDocument); err != nil {
		return nil, err
	}
	out := &api.CreatePolicyVersionOutput{}
	err := s.changePolicy(ctx, "CreatePolicyVersion", in.PolicyArn, notAttachable(in.PolicyArn), func(p *identity.Policy) error {
		v, err := p.AddVersion(*in.PolicyDocument, s.nowSeconds(), kit.ValueOr(in.SetAsDefault, false))
		if errors.Is(err, fault.TooLarge) {
			return limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", identity.MaxVersions)
		}
		out.PolicyVersion = shownVersion(*p, v)
		return err
	})
	return out, err
}

// GetPolicyVersion   awsQuery
//
//   - answers the document, percent-encoded
func (s *Service) GetPolicyVersion(ctx context.Context, in *api.GetPolicyVersionInput) (*api.GetPolicyVersionOutput, error) {
	missing := noVersion(in.PolicyArn, in.VersionId)
	p, err := s.policy(ctx, in.PolicyArn, missing)
	if err != nil {
		return nil, err
	}
	v, ok := p.Version(versionNumber(*in.VersionId))
	if !ok {
		return nil, missing
	}
	shown := shownVersion(p, v)
	shown.Document = encode(v.Document)
	return &api.GetPolicyVersionOutput{PolicyVersion: shown}, nil
}

// ListPolicyVersions   awsQuery
//
//   - newest first, without documents
func (s *Service) ListPolicyVersions(ctx context.Context, in *api.ListPolicyVersionsInput) (*api.ListPolicyVersionsOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn, notAttachable(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	versions, marker, truncated, err := page(p.Versions, versionKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	out := &api.ListPolicyVersionsOutput{Versions: []*api.PolicyVersion{}, Marker: marker, IsTruncated: truncated}
	for _, v := range versions {
		out.Versions = append(out.Versions, shownVersion(p, v))
	}
	return out, nil
}

// SetDefaultPolicyVersion   awsQuery
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *api.SetDefaultPolicyVersionInput) (*api.SetDefaultPolicyVersionOutput, error) {
	missing := noVersion(in.PolicyArn, in.VersionId)
	err := s.changePolicy(ctx, "SetDefaultPolicyVersion", in.PolicyArn, missing, func(p *identity.Policy) error {
		if err := p.SetDefault(versionNumber(*in.VersionId)); err != nil {
			return missing
		}
		return nil
	})
	return &api.SetDefaultPolicyVersionOutput{}, err
}

// DeletePolicyVersion   awsQuery
//
//   - refuses the default version with DeleteConflict
func (s *Service) DeletePolicyVersion(ctx context.Context, in *api.DeletePolicyVersionInput) (*api.DeletePolicyVersionOutput, error) {
	missing := noVersion(in.PolicyArn, in.VersionId)
	err := s.changePolicy(ctx, "DeletePolicyVersion", in.PolicyArn, missing, func(p *identity.Policy) error {
		err := p.DeleteVersion(versionNumber(*in.VersionId))
		switch fault.Of(err) {
		case fault.NotFound:
			return missing
		case fault.Conflict:
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		return err
	})
	return &api.DeletePolicyVersionOutput{}, err
}
