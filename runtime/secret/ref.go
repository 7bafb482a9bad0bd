package secret

import (
	"regexp"
	"strings"

	"millrace/runtime/arn"
)

const (
	service      = "secretsmanager"
	suffixLength = 6
)

var names = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]+$`)

// IsName reports whether a secret can have that name: 1 to 512 letters, digits and
// -/_+=.@! (API Reference, CreateSecret; "!" is in AWS's own error text).
func IsName(s string) bool { return len(s) <= maxName && names.MatchString(s) }

// maxName is not in the expression: one that counts to 512 takes long to compile, at
// every start.
const maxName = 512

// A Ref is what a SecretId refers to.
type Ref struct {
	Account string
	Region  string
	Name    string
	Suffix  string // the end of a full ARN; "" for a name and for a partial ARN, which mean whatever secret has the name
}

// ParseRef reads a SecretId: a name in an account and a region, an ARN, or an ARN without
// its suffix. Text that ends as a suffix does is taken for one, so the partial ARN of a
// name that ends so refers to another secret: Secrets Manager User Guide, "IAM policy
// reference". BadName for what can be none of them.
func ParseRef(id, account, region string) (Ref, error) {
	if !strings.HasPrefix(id, "arn:") {
		if !IsName(id) {
			return Ref{}, &Error{Reason: BadName}
		}
		return Ref{account, region, id, ""}, nil
	}
	a, err := arn.Parse(id)
	rest, is := strings.CutPrefix(a.Resource, "secret:")
	if err != nil || a.Service != service || !is {
		return Ref{}, &Error{Reason: BadName}
	}
	name, suffix := cutSuffix(rest)
	if !IsName(name) {
		return Ref{}, &Error{Reason: BadName}
	}
	return Ref{a.Account, a.Region, name, suffix}, nil
}

// cutSuffix splits the resource of an ARN; suffix is "" if it has none.
func cutSuffix(rest string) (name, suffix string) {
	at := len(rest) - suffixLength - 1
	if at < 1 || rest[at] != '-' {
		return rest, ""
	}
	for _, c := range []byte(rest[at+1:]) {
		if !strings.ContainsRune(suffixCharacters, rune(c)) {
			return rest, ""
		}
	}
	return rest[:at], rest[at+1:]
}

const suffixCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// ARN is the full ARN of what ref refers to, with a suffix of its own making if ref has
// none.
func (r Ref) ARN() string {
	suffix := r.Suffix
	if suffix == "" {
		suffix = newSuffix()
	}
	return Secret{Account: r.Account, Region: r.Region, Name: r.Name, Suffix: suffix}.ARN()
}
