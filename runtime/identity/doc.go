// Package identity holds who there is: the roles and managed policies of IAM, and the
// sessions of STS.
//
//	roles := identity.NewRoles(records)
//	role, ok := roles.Get(account, "worker")
//
// [Roles], [Policies] and [Sessions] are tables of records; their writes are durable
// when they return. The rules of a role and of a policy (quotas, versions, what must
// not be removed) are methods of [Role] and [Policy], which touch no storage.
//
// Errors are fault.Exists, fault.NotFound, fault.Conflict, and fault.TooLarge for an
// exceeded quota. services/iam and services/sts put them in AWS's words.
//
// What policies say is stored and not enforced: no request is denied because an
// identity policy does not allow it.
package identity

import (
	"crypto/rand"
	"strings"
)

// NewID makes a unique id: four letters for the kind ("AROA" for a role, "ANPA" for a
// policy), then 17 of base 32.
func NewID(kind string) string { return kind + rand.Text()[:17] }

// A Tag is a key and a value on a role or a policy.
type Tag struct{ Key, Value string }

// key is the record key of an account's role or policy. Names that differ by their case
// alone are the same.
func key(account, name string) string { return account + "/" + strings.ToLower(name) }
