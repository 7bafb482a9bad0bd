package secretsmanager

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// ListSecrets   awsJson1_1
//
//   - in the order of their making, or as SortBy and SortOrder say, 100 a page
//   - those that all Filters find; without those that wait for their deletion unless
//     IncludePlannedDeletion says otherwise
func (s *Service) ListSecrets(ctx context.Context, in *api.ListSecretsInput) (*api.ListSecretsOutput, error) {
	order, err := orderOf(in.SortBy, in.SortOrder)
	if err != nil {
		return nil, err
	}
	found, err := s.found(ctx, in.Filters, kit.Value(in.IncludePlannedDeletion))
	if err != nil {
		return nil, err
	}
	part, next, err := order.page(found, in.NextToken, kit.ValueOr(in.MaxResults, 100))
	if err != nil {
		return nil, err
	}
	out := &api.ListSecretsOutput{SecretList: []*api.SecretListEntry{}, NextToken: next}
	for _, sec := range part {
		out.SecretList = append(out.SecretList, entry(sec))
	}
	return out, nil
}

// found are the caller's secrets that filters find.
func (s *Service) found(ctx context.Context, filters []*api.Filter, deleting bool) ([]secret.Secret, error) {
	matches, err := newFilters(filters)
	if err != nil {
		return nil, err
	}
	c := identity.From(ctx)
	return slices.DeleteFunc(s.secrets.All(c.Account, c.Region), func(sec secret.Secret) bool {
		return sec.Deleting() && !deleting || !matches(sec)
	}), nil
}

// An order is how a list is sorted.
type order struct {
	by   func(secret.Secret) string
	desc bool
}

func orderOf(by, direction *string) (order, error) {
	moment := func(t time.Time) string { return fmt.Sprintf("%015d", max(t.UnixMilli(), 0)) }
	keys := map[string]func(secret.Secret) string{
		"created-date":       func(sec secret.Secret) string { return moment(sec.Created) },
		"last-accessed-date": func(sec secret.Secret) string { return moment(sec.Accessed) },
		"last-changed-date":  func(sec secret.Secret) string { return moment(sec.Changed) },
		"name":               func(sec secret.Secret) string { return "" },
	}
	return order{keys[kit.ValueOr(by, "created-date")], kit.Value(direction) == "desc"}, nil
}

// key is the sort key of a secret. Names make it unique.
func (o order) key(sec secret.Secret) string {
	key := o.by(sec) + " " + sec.Name
	if !o.desc {
		return key
	}
	// The complement of a text comes where the text would come in the other direction; the
	// last byte lets a text that begins another one come after it.
	b := []byte(key)
	for i := range b {
		b[i] = ^b[i]
	}
	return string(append(b, 0xff))
}

// page sorts secrets and cuts the asked part out of them.
func (o order) page(all []secret.Secret, after *string, limit int32) ([]secret.Secret, *string, error) {
	slices.SortFunc(all, func(a, b secret.Secret) int { return compare(o.key(a), o.key(b)) })
	return page(all, o.key, after, limit)
}

func compare(a, b string) int { return cmp.Compare(a, b) }

// page cuts the asked part out of items, which are in the order of their sort keys.
func page[T any](items []T, key func(T) string, after *string, limit int32) (part []T, next *string, err error) {
	part, next, _, err = kit.MarkedPage(items, key, after, int(limit))
	if err != nil {
		return nil, nil, api.ErrInvalidNextTokenException("The NextToken value is invalid.")
	}
	return part, next, nil
}
