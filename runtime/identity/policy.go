package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/store/record"
)

// MaxVersions is how many versions of a managed policy are kept.
const MaxVersions = 5

// A Policy is a managed policy: one record with its versions.
type Policy struct {
	Account     string // "aws" for AWS's own
	Name        string
	Path        string // begins and ends with a slash
	ID          string
	Description string `json:",omitzero"`
	Created     time.Time
	Updated     time.Time // when its newest version was added
	Default     int       // number of the version in force
	Versions    []Version // newest first
	Last        int       // the highest number ever given to a version
	Tags        []Tag     `json:",omitzero"`
}

// A Version is one document of a managed policy; it never changes.
type Version struct {
	Number   int // from 1
	Document string
	Created  time.Time
}

// ARN is the policy's name in AWS.
func (p Policy) ARN() string {
	return arn.New("iam", "", p.Account, "policy"+p.Path+p.Name).String()
}

// AddVersion adds a document as the newest version. Numbers are not reused.
// fault.TooLarge when there are MaxVersions.
func (p *Policy) AddVersion(document string, now time.Time, inForce bool) (Version, error) {
	if len(p.Versions) >= MaxVersions {
		return Version{}, fault.New(fault.TooLarge, "policy %s has %d versions", p.Name, len(p.Versions))
	}
	p.Last++
	v := Version{p.Last, document, now}
	p.Versions = slices.Insert(p.Versions, 0, v)
	p.Updated = now
	if inForce {
		p.Default = v.Number
	}
	return v, nil
}

// Version returns a version by its number; ok is false when there is none.
func (p *Policy) Version(number int) (v Version, ok bool) {
	if i := p.index(number); i >= 0 {
		return p.Versions[i], true
	}
	return Version{}, false
}

func (p *Policy) index(number int) int {
	return slices.IndexFunc(p.Versions, func(v Version) bool { return v.Number == number })
}

// SetDefault puts a version in force: fault.NotFound when there is none of that number.
func (p *Policy) SetDefault(number int) error {
	if p.index(number) < 0 {
		return fault.New(fault.NotFound, "policy %s has no version %d", p.Name, number)
	}
	p.Default = number
	return nil
}

// DeleteVersion removes a version: fault.NotFound when there is none of that number,
// fault.Conflict when it is in force.
func (p *Policy) DeleteVersion(number int) error {
	i := p.index(number)
	if i < 0 {
		return fault.New(fault.NotFound, "policy %s has no version %d", p.Name, number)
	}
	if number == p.Default {
		return fault.New(fault.Conflict, "version %d of policy %s is in force", number, p.Name)
	}
	p.Versions = slices.Delete(p.Versions, i, i+1)
	return nil
}

// DocumentSize is what quotas count of a document, in characters: all but the white
// space between its tokens.
func DocumentSize(text string) int {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return len(text)
	}
	return b.Len()
}

// Policies are the managed policies of all accounts. Safe for concurrent use.
type Policies struct{ table *record.Table[Policy] }

// NewPolicies is the managed policies in a store.
func NewPolicies(store *record.Store) *Policies {
	return &Policies{record.NewTable[Policy](store, "iampolicy")}
}

// Get returns an account's policy; ok is false when there is none of that name.
func (ps *Policies) Get(account, name string) (p Policy, ok bool) {
	return ps.table.Get(key(account, name))
}

// List returns an account's policies, in the order of their names.
func (ps *Policies) List(account string) []Policy { return ps.table.List(key(account, "")) }

// Create stores a new policy: fault.Exists when its name is taken.
func (ps *Policies) Create(ctx context.Context, p Policy) error {
	return ps.table.Create(ctx, key(p.Account, p.Name), p)
}

// Update stores what edit makes of a policy. An error of edit is returned as it is, and
// nothing is stored. fault.NotFound when there is no such policy.
func (ps *Policies) Update(ctx context.Context, account, name string, edit func(*Policy) error) error {
	_, err := ps.table.Update(ctx, key(account, name), func(p Policy) (Policy, error) {
		err := edit(&p)
		return p, err
	})
	return err
}

// Delete removes a policy: fault.NotFound when there is none of that name.
func (ps *Policies) Delete(ctx context.Context, account, name string) error {
	return ps.table.Delete(ctx, key(account, name))
}
