package keys

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
)

// An Alias is a name for a key, in an account and a region.
type Alias struct {
	Name    string // alias/…
	Account string
	Region  string
	Target  string // the key's id; "" while AWS has not made the key
	Created time.Time
	Updated time.Time
}

// ARN is the alias's name in the world.
func (a Alias) ARN() string { return arn.New("kms", a.Region, a.Account, a.Name).String() }

func (a Alias) key() string { return scope(a.Account, a.Region) + a.Name }

func (a Alias) missing() error { return newError(ErrNotFound, "Alias %s is not found.", a.ARN()) }

const (
	aliasPrefix   = "alias/"
	managedPrefix = aliasPrefix + "aws/" // followed by the service's name
)

// CreateAlias names a key of the same account and region. ErrExists when the
// name is taken.
func (r *Ring) CreateAlias(ctx context.Context, name string, k Key) error {
	r.sweep(ctx)
	now := r.nowMillis()
	a := Alias{Name: name, Account: k.Account, Region: k.Region, Target: k.ID, Created: now, Updated: now}
	err := r.aliases.Create(ctx, a.key(), a)
	if errors.Is(err, fault.Exists) {
		return newError(ErrExists, "An alias with the name %s already exists", a.ARN())
	}
	return err
}

// UpdateAlias lets an alias name another key of its account and region.
func (r *Ring) UpdateAlias(ctx context.Context, name string, to Key) error {
	r.sweep(ctx)
	want := Alias{Name: name, Account: to.Account, Region: to.Region}
	_, err := r.aliases.Update(ctx, want.key(), func(a Alias) (Alias, error) {
		a.Target, a.Updated = to.ID, r.nowMillis()
		return a, nil
	})
	if errors.Is(err, fault.NotFound) {
		return want.missing()
	}
	return err
}

// DeleteAlias removes an alias; its key stays.
func (r *Ring) DeleteAlias(ctx context.Context, name, account, region string) error {
	r.sweep(ctx)
	want := Alias{Name: name, Account: account, Region: region}
	err := r.aliases.Delete(ctx, want.key())
	if errors.Is(err, fault.NotFound) {
		return want.missing()
	}
	return err
}

// Aliases are an account's in a region, in the order of their names. Those that
// AWS keeps for its services are among them, with or without their keys.
func (r *Ring) Aliases(account, region string) []Alias {
	all := slices.DeleteFunc(r.aliases.List(scope(account, region)), func(a Alias) bool {
		_, ok := r.byID(a.Target)
		return !ok
	})
	for service := range managedDescriptions {
		a := Alias{Name: managedPrefix + service, Account: account, Region: region}
		if k, ok := r.byID(managedID(account, region, service)); ok {
			a.Target, a.Created, a.Updated = k.ID, k.Created, k.Created
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Alias) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
