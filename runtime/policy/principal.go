package policy

import (
	"encoding/json"
	"strings"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/policy/grammar"
)

// principals are what a Principal or NotPrincipal element names.
type principals struct {
	everyone bool // "*", or "*" among the AWS principals, which is the same in a resource's policy
	listed   []principal
	count    int // of names, as quotas count them
}

// A principal is one name in the list. Exactly one kind of field is set; none
// for those who never come here, federated and canonical users.
type principal struct {
	account string // a whole account
	role    role   // all sessions of a role
	arn     string // one user or session, to the letter
	in      role   // of a session: the role that it is of; of a user: the account alone
	service string
}

// A role is found by its name: names are unique in an account, and the ARN of a
// session does not tell the role's path.
type role struct{ account, name string }

// A caller is a Principal, taken apart.
type caller struct {
	Principal
	role role // of a session of a role, or of the role itself
}

func identify(p Principal) caller {
	c := caller{Principal: p}
	if strings.Contains(p.ARN, "role/") {
		if a, err := arn.Parse(p.ARN); err == nil {
			c.role, _ = roleOf(a)
		}
	}
	return c
}

// roleOf reads the role out of its own ARN or out of one of a session of it.
func roleOf(a arn.ARN) (r role, session bool) {
	if name, ok := strings.CutPrefix(a.Resource, "role/"); ok && a.Service == "iam" {
		return role{a.Account, name[strings.LastIndexByte(name, '/')+1:]}, false
	}
	if rest, ok := strings.CutPrefix(a.Resource, "assumed-role/"); ok && a.Service == "sts" {
		name, _, _ := strings.Cut(rest, "/")
		return role{a.Account, name}, true
	}
	return role{}, false
}

// includes reports whether the caller is one of the principals.
func (ps *principals) includes(c caller) bool {
	if ps.everyone {
		return true
	}
	for i := range ps.listed {
		if ps.listed[i].covers(c) {
			return true
		}
	}
	return false
}

func (p *principal) covers(c caller) bool {
	switch {
	case p.account != "":
		return p.account == c.Account
	case p.role != role{}:
		return p.role == c.role
	case p.arn != "":
		return p.arn == c.ARN
	case p.service != "":
		return p.service == c.Service
	}
	return false
}

// excludes reports whether a NotPrincipal element leaves the caller out. There an
// account is written beside each of its users who is meant, and a role beside
// its session: the account by itself leaves all of its principals out, but
// beside one of them only that one and the account's root.
func (ps *principals) excludes(c caller) bool {
	if ps.everyone {
		return true
	}
	for i := range ps.listed {
		if p := &ps.listed[i]; p.covers(c) && (p.is(c) || !ps.narrows(p)) {
			return true
		}
	}
	return false
}

// is reports whether the caller is what p names, rather than under it.
func (p *principal) is(c caller) bool {
	switch {
	case p.account != "":
		return strings.HasSuffix(c.ARN, ":root")
	case p.role != role{}:
		return !strings.Contains(c.ARN, ":assumed-role/")
	}
	return true
}

// narrows reports whether the list names something under p.
func (ps *principals) narrows(p *principal) bool {
	for i := range ps.listed {
		other := &ps.listed[i]
		switch {
		case p.account != "" && (other.in.account == p.account || other.role.account == p.account):
			return true
		case p.role != role{} && other.in == p.role:
			return true
		}
	}
	return false
}

// parsePrincipals reads "*", or an object of lists by kind.
func parsePrincipals(text json.RawMessage) (principals, error) {
	var star string
	if json.Unmarshal(text, &star) == nil {
		if star != "*" {
			return principals{}, fault.New(fault.Invalid, "a principal that is not * has a kind: AWS or Service")
		}
		return principals{everyone: true, count: 1}, nil
	}
	var kinds map[string]grammar.Words
	if err := json.Unmarshal(text, &kinds); err != nil || len(kinds) == 0 {
		return principals{}, fault.New(fault.Invalid, "%s names no principal", text)
	}
	var ps principals
	for kind, names := range kinds {
		if len(names) == 0 {
			return ps, fault.New(fault.Invalid, "the list of %s principals is empty", kind)
		}
		for _, name := range names {
			p, err := parsePrincipal(kind, name)
			if err != nil {
				return ps, &PrincipalError{kind, name, err}
			}
			ps.everyone = ps.everyone || kind == "AWS" && name == "*"
			ps.listed = append(ps.listed, p)
			ps.count++
		}
	}
	return ps, nil
}

// A PrincipalError says that a policy names a principal that is none. It is fault.Invalid.
type PrincipalError struct {
	Kind, Name string // "AWS", and what stands there
	Err        error
}

func (e *PrincipalError) Error() string { return e.Err.Error() }
func (e *PrincipalError) Unwrap() error { return e.Err }

func parsePrincipal(kind, name string) (principal, error) {
	switch {
	case name == "":
	case kind == "Service":
		return principal{service: name}, nil
	case kind == "Federated", kind == "CanonicalUser", kind == "AWS" && (name == "*" || isUniqueID(name)):
		return principal{}, nil
	case kind == "AWS" && IsAccount(name):
		return principal{account: name}, nil
	case kind == "AWS":
		if a, err := arn.Parse(name); err == nil && !strings.ContainsAny(name, "*?") {
			return parsePrincipalARN(a)
		}
	}
	return principal{}, fault.New(fault.Invalid, "%q is no principal of the kind %q", name, kind)
}

func parsePrincipalARN(a arn.ARN) (principal, error) {
	r, isSession := roleOf(a)
	switch {
	case isSession:
		return principal{arn: a.String(), in: r}, nil
	case r.name != "":
		return principal{role: r}, nil
	case a.Service == "iam" && a.Resource == "root" && IsAccount(a.Account):
		return principal{account: a.Account}, nil
	case a.Service == "iam" || a.Service == "sts":
		return principal{arn: a.String(), in: role{account: a.Account}}, nil
	}
	return principal{}, fault.New(fault.Invalid, "%q is the ARN of no principal", a)
}

// IsAccount tells the id of an account: twelve digits.
func IsAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// isUniqueID tells the id, like AROA…, that AWS shows in the place of a
// principal that was deleted. It stands for nobody.
func isUniqueID(s string) bool {
	return len(s) >= 16 && s[0] == 'A' && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
