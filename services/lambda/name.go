package lambda

import (
	"context"
	"regexp"

	"millrace/runtime/function"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// A ref is a function as a request names it.
type ref struct {
	function.ID
	Qualifier string // "" when none was given
}

// String is the ARN that AWS's sentences hold.
func (r ref) String() string {
	if r.Qualifier == "" {
		return r.ARN().String()
	}
	return r.ARN().String() + ":" + r.Qualifier
}

// functionName is the pattern of the API's model. Every part but the name may be
// missing: a name, a partial ARN and an ARN are all right, with a qualifier or
// without.
var functionName = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:)?([a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d:)?(\d{12}:)?(?:function:)?([a-zA-Z0-9-_.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$`)

const functionNamePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

// parseName reads FunctionName and Qualifier, which must agree.
func parseName(ctx context.Context, name, qualifier *string) (ref, error) {
	c := identity.From(ctx)
	m := functionName.FindStringSubmatch(kit.Value(name))
	if m == nil {
		return ref{}, constraint(kit.Value(name), "functionName", "Member must satisfy regular expression pattern: "+functionNamePattern)
	}
	region, account := trimColon(m[1]), trimColon(m[2])
	if region != "" && region != c.Region {
		return ref{}, notFound("Functions from '%s' are not reachable in this region ('%s')", region, c.Region)
	}
	if account == "" {
		account = c.Account
	}
	r := ref{function.ID{Account: account, Region: c.Region, Name: m[3]}, m[4]}
	if q := kit.Value(qualifier); q != "" {
		if r.Qualifier != "" && r.Qualifier != q {
			return ref{}, invalidValue("The derived qualifier from the function name does not match the specified qualifier.")
		}
		r.Qualifier = q
	}
	return r, nil
}

func trimColon(s string) string {
	if s == "" {
		return ""
	}
	return s[:len(s)-1]
}

// named is parseName for an operation on a function that need not be there: one
// of another account is none of the caller's business.
func named(ctx context.Context, action string, name, qualifier *string) (ref, error) {
	r, err := parseName(ctx, name, qualifier)
	if c := identity.From(ctx); err == nil && r.Account != c.Account {
		err = denied(&c, action, r.String(), false)
	}
	return r, err
}

// find returns the function that a request names, for an action of lambda's. One
// of another account must let the caller. $LATEST is the only version.
func (s *Service) find(ctx context.Context, action string, name, qualifier *string) (function.Function, ref, error) {
	r, err := parseName(ctx, name, qualifier)
	if err != nil {
		return function.Function{}, r, err
	}
	f, err := s.functions.Get(r.ID)
	if denied := s.authorize(ctx, action, r, f); denied != nil {
		return function.Function{}, r, denied
	}
	if err != nil || r.Qualifier != "" && r.Qualifier != function.Latest {
		return function.Function{}, r, notFound("Function not found: %s", r)
	}
	return f, r, nil
}
