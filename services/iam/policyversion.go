package iam

import (
	"context"
	"fmt"
	"slices"
	"time"

	api "millrace/services/internal/api/iam"
)

// maxVersions is how many versions of a managed policy are kept.
const maxVersions = 5

// A version is one document of a managed policy; it never changes.
type version struct {
	Number   int // from 1
	Document string
	Created  time.Time
}

func versionID(number int) string { return fmt.Sprintf("v%d", number) }

// sortKey puts the newest version first.
func (v version) sortKey() string { return fmt.Sprintf("%09d", 1e9-1-v.Number) }

// addVersion puts a document in front of the older ones. Numbers are not reused.
func (p *policy) addVersion(document string, now time.Time, inForce bool) version {
	p.Last++
	v := version{p.Last, document, now}
	p.Versions = slices.Insert(p.Versions, 0, v)
	p.Updated = now
	if inForce {
		p.Default = v.Number
	}
	return v
}

// version finds a version by its id; -1 for none.
func (p *policy) version(id *string) int {
	return slices.IndexFunc(p.Versions, func(v version) bool { return versionID(v.Number) == *id })
}

// shown is a version without its document, as lists have it.
func (p *policy) shown(v version) *api.PolicyVersion {
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
	err := s.changePolicy(ctx, "CreatePolicyVersion", in.PolicyArn, notAttachable(in.PolicyArn), func(p *policy) error {
		if len(p.Versions) == maxVersions {
			return limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		v := p.addVersion(*in.PolicyDocument, s.nowSeconds(), valueOr(in.SetAsDefault, false))
		out.PolicyVersion = p.shown(v)
		return nil
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
	at := p.version(in.VersionId)
	if at < 0 {
		return nil, missing
	}
	v := p.shown(p.Versions[at])
	v.Document = encode(p.Versions[at].Document)
	return &api.GetPolicyVersionOutput{PolicyVersion: v}, nil
}

// ListPolicyVersions   awsQuery
//
//   - newest first, without documents
func (s *Service) ListPolicyVersions(ctx context.Context, in *api.ListPolicyVersionsInput) (*api.ListPolicyVersionsOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn, notAttachable(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	versions, marker, truncated, err := page(p.Versions, version.sortKey, listing{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	out := &api.ListPolicyVersionsOutput{Versions: []*api.PolicyVersion{}, Marker: marker, IsTruncated: truncated}
	for _, v := range versions {
		out.Versions = append(out.Versions, p.shown(v))
	}
	return out, nil
}

// SetDefaultPolicyVersion   awsQuery
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *api.SetDefaultPolicyVersionInput) (*api.SetDefaultPolicyVersionOutput, error) {
	missing := noVersion(in.PolicyArn, in.VersionId)
	err := s.changePolicy(ctx, "SetDefaultPolicyVersion", in.PolicyArn, missing, func(p *policy) error {
		at := p.version(in.VersionId)
		if at < 0 {
			return missing
		}
		p.Default = p.Versions[at].Number
		return nil
	})
	return &api.SetDefaultPolicyVersionOutput{}, err
}

// DeletePolicyVersion   awsQuery
//
//   - refuses the default version with DeleteConflict
func (s *Service) DeletePolicyVersion(ctx context.Context, in *api.DeletePolicyVersionInput) (*api.DeletePolicyVersionOutput, error) {
	missing := noVersion(in.PolicyArn, in.VersionId)
	err := s.changePolicy(ctx, "DeletePolicyVersion", in.PolicyArn, missing, func(p *policy) error {
		at := p.version(in.VersionId)
		if at < 0 {
			return missing
		}
		if p.Versions[at].Number == p.Default {
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, at, at+1)
		return nil
	})
	return &api.DeletePolicyVersionOutput{}, err
}
