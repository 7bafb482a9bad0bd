// Package owner names accounts as S3 shows them: in lists and access control lists by a
// canonical user ID, in notifications by a principal ID.
//
// AWS makes these names up when it opens an account. Here they follow from the account's
// number, so that they are the same in every runtime and after every restart.
package owner

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
)

// CanonicalUserID is the account's canonical user ID, 64 hexadecimal digits in lower
// case: Owner and Initiator in S3's answers.
func CanonicalUserID(account string) string {
	sum := sha256.Sum256([]byte("canonical user of " + account))
	return hex.EncodeToString(sum[:])
}

// principalIDLength is that of the IDs that AWS's examples show: A3I5XTEXAMAI3E.
const principalIDLength = 14

// PrincipalID is the account as the owner of a bucket in a notification, in
// bucket.ownerIdentity: an A, then 13 of A to Z and 2 to 7.
func PrincipalID(account string) string {
	sum := sha256.Sum256([]byte("principal of " + account))
	return "A" + base32.StdEncoding.EncodeToString(sum[:])[:principalIDLength-1]
}

// Anonymous is the CallerID of a request that nobody signed. What AWS writes there is not
// recorded.
const Anonymous = "Anonymous"

// CallerID is who made a request, in userIdentity of its notification. userID is the
// UserId that GetCallerIdentity says: the account's number for its root, AROA…:session
// for a session of a role; "" for a request that nobody signed.
func CallerID(userID string) string {
	if userID == "" {
		return Anonymous
	}
	return "AWS:" + userID
}
