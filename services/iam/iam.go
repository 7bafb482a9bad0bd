// Package iam is AWS Identity and Access Management as far as deployments of
// event services need it: roles, their policies and managed policies.
//
// They are stored and answered, not enforced: no request is ever denied for
// want of a permission, and a function runs whatever its role says. Checks that
// keep a wrong template from AWS are made, so that it fails here as it would
// there: names, policy documents, quotas, conflicts.
//
// Names, texts and the order of checks follow what AWS answered in February
// 2026, as recorded by LocalStack's tests/aws/services/iam.
package iam

import (
	"cmp"
	"slices"
	"time"

	"millrace/runtime/identity"
	api "millrace/services/internal/api/iam"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// A Service answers IAM's operations. Its state is in runtime/identity.
type Service struct {
	api.Unimplemented

	roles    *identity.Roles
	policies *identity.Policies
	now      func() time.Time
}

// New is the service on roles and policies.
func New(roles *identity.Roles, policies *identity.Policies, now func() time.Time) *Service {
	return &Service{roles: roles, policies: policies, now: now}
}

// Model is what the gateway needs to know of IAM's API.
func (*Service) Model() *wire.Service { return api.Service }

// nowSeconds is the present as IAM keeps it: in whole seconds.
func (s *Service) nowSeconds() time.Time { return s.now().UTC().Truncate(time.Second) }

// A listing asks for a part of a list, as every List operation does.
type listing struct {
	marker *string // of the part before; nil for the first
	max    *int32  // 1 to 1000; nil for 100
}

// page cuts the asked part out of items. Each item's sort key tells where the
// next part begins, also when items come and go in between; it is no longer
// than a name and an account, to fit into a marker of 320 characters.
func page[T any](items []T, sortKey func(T) string, l listing) (part []T, next *string, truncated *bool, err error) {
	slices.SortFunc(items, func(a, b T) int { return cmp.Compare(sortKey(a), sortKey(b)) })
	part, next, truncated, err = kit.MarkedPage(items, sortKey, l.marker, int(kit.ValueOr(l.max, 100)))
	if err != nil {
		err = validation("Invalid Marker.")
	}
	return part, next, truncated, err
}
