package policy

import (
	"crypto/sha256"
	"encoding/base32"
)

// UniqueID is the unique id of a principal or a policy that nobody has created: four letters
// for the kind ("AIDA" for a user, "AROA" for a role, "ANPA" for a policy), then 17 of base
// 32, as IAM has them. It follows from the name, so it is the same after a restart.
func UniqueID(kind, name string) string {
	sum := sha256.Sum256([]byte(name))
	return kind + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
