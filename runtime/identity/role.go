package identity

import (
	"context"
	"slices"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/store/record"
)

// Quotas of a role.
const (
	MaxAttached   = 10    // managed policies
	MaxInlineSize = 10240 // characters of all inline policies together
)

// A Role is one record: what is attached to it comes and goes with it.
type Role struct {
	Account     string
	Name        string
	Path        string // begins and ends with a slash
	ID          string
	Description string            `json:",omitzero"`
	Trust       string            // the trust policy's text
	MaxSession  int32             // seconds
	Boundary    string            `json:",omitzero"` // ARN of the permissions boundary
	Service     string            `json:",omitzero"` // the service that the role is linked to, which alone changes it; "" for others
	Created     time.Time         // in whole seconds
	Tags        []Tag             `json:",omitzero"`
	Attached    []string          `json:",omitzero"` // ARNs of managed policies
	Inline      map[string]string `json:",omitzero"` // documents by policy name
}

// ARN is the role's name in AWS.
func (r Role) ARN() string {
	return arn.New("iam", "", r.Account, "role"+r.Path+r.Name).String()
}

// Attach attaches a managed policy, unless it is attached. fault.TooLarge when the role
// has MaxAttached.
func (r *Role) Attach(policyARN string) error {
	if slices.Contains(r.Attached, policyARN) {
		return nil
	}
	if len(r.Attached) >= MaxAttached {
		return fault.New(fault.TooLarge, "role %s has %d managed policies", r.Name, len(r.Attached))
	}
	r.Attached = append(r.Attached, policyARN)
	return nil
}

// Detach detaches a managed policy: fault.NotFound when it is not attached.
func (r *Role) Detach(policyARN string) error {
	at := slices.Index(r.Attached, policyARN)
	if at < 0 {
		return fault.New(fault.NotFound, "%s is not attached to role %s", policyARN, r.Name)
	}
	r.Attached = slices.Delete(r.Attached, at, at+1)
	return nil
}

// PutInline adds an inline policy, or replaces the one of that name. fault.TooLarge when
// all of them together exceed MaxInlineSize.
func (r *Role) PutInline(name, document string) error {
	if r.Inline == nil {
		r.Inline = map[string]string{}
	}
	r.Inline[name] = document
	total := 0
	for _, text := range r.Inline {
		total += DocumentSize(text)
	}
	if total > MaxInlineSize {
		return fault.New(fault.TooLarge, "the inline policies of role %s have %d characters", r.Name, total)
	}
	return nil
}

// DeleteInline removes an inline policy: fault.NotFound when there is none of that name.
func (r *Role) DeleteInline(name string) error {
	if _, ok := r.Inline[name]; !ok {
		return fault.New(fault.NotFound, "role %s has no inline policy %s", r.Name, name)
	}
	delete(r.Inline, name)
	return nil
}

// Roles are the roles of all accounts. Safe for concurrent use.
type Roles struct{ table *record.Table[Role] }

// NewRoles is the roles in a store.
func NewRoles(store *record.Store) *Roles {
	return &Roles{record.NewTable[Role](store, "iamrole")}
}

// Get returns an account's role; ok is false when there is none of that name.
func (rs *Roles) Get(account, name string) (r Role, ok bool) { return rs.table.Get(key(account, name)) }

// List returns an account's roles, in the order of their names.
func (rs *Roles) List(account string) []Role { return rs.table.List(key(account, "")) }

// Create stores a new role: fault.Exists when its name is taken.
func (rs *Roles) Create(ctx context.Context, r Role) error {
	return rs.table.Create(ctx, key(r.Account, r.Name), r)
}

// Update stores what edit makes of a role, and returns that. An error of edit is returned
// as it is, and nothing is stored. fault.NotFound when there is no such role.
func (rs *Roles) Update(ctx context.Context, account, name string, edit func(*Role) error) (Role, error) {
	return rs.table.Update(ctx, key(account, name), func(r Role) (Role, error) {
		err := edit(&r)
		return r, err
	})
}

// Delete removes a role: fault.NotFound when there is none of that name.
func (rs *Roles) Delete(ctx context.Context, account, name string) error {
	return rs.table.Delete(ctx, key(account, name))
}

// A PolicyUse counts the roles that a policy is attached to, and those that it bounds.
type PolicyUse struct{ Attached, Bounding int32 }

// PolicyUses are the uses of policies by an account's roles, by the policies' ARNs. It
// reads all roles: who asks for many policies asks once.
func (rs *Roles) PolicyUses(account string) map[string]PolicyUse {
	uses := map[string]PolicyUse{}
	for _, r := range rs.List(account) {
		for _, arn := range r.Attached {
			u := uses[arn]
			u.Attached++
			uses[arn] = u
		}
		if r.Boundary != "" {
			u := uses[r.Boundary]
			u.Bounding++
			uses[r.Boundary] = u
		}
	}
	return uses
}
