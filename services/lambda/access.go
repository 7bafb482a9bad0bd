package lambda

import (
	"cmp"
	"context"
	"errors"
	"time"

	"millrace/runtime/function"
	"millrace/runtime/policy"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// authorize returns nil if the caller may perform an action of Lambda's on a function:
// the account that owns it may, others if the function's permissions allow it. What an
// account's own identity policies say is not evaluated.
func (s *Service) authorize(ctx context.Context, action string, r ref, f function.Function) error {
	c := identity.From(ctx)
	if r.Account == c.Account {
		return nil
	}
	err := s.access.Authorize(r.ID, f, c.Principal(), "lambda:"+action, c.Context(time.Now))
	var d *policy.DeniedError
	if !errors.As(err, &d) {
		return err
	}
	return denied(&c, action, r.String(), d.Explicit)
}

// denied is the error for what no policy allows, or one explicitly denies. It comes
// from the front end of AWS's services, which writes Message with a capital.
func denied(c *identity.Caller, action, resource string, explicit bool) error {
	text := kit.Unauthorized(cmp.Or(c.Principal().ARN, "anonymous"), "lambda:"+action, resource, explicit)
	return &wire.Error{Code: "AccessDeniedException", Status: 403, Fields: map[string]any{"Message": text}}
}
