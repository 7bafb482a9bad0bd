package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"millrace/runtime/function"
	"millrace/runtime/policy"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// authorize reports whether the caller may do an action of lambda's to a
// function: the account that owns it may, others if the function's permissions
// let them. What an account's own identity policies say is not asked.
func authorize(ctx context.Context, action string, r ref, permissions []function.Permission) error {
	c := identity.From(ctx)
	if r.Account == c.Account {
		return nil
	}
	decision := policy.NoMatch
	if len(permissions) > 0 {
		text, err := json.Marshal(policyOf(permissions, r.ID))
		if err != nil {
			return err
		}
		// Permissions that cannot be read as a policy grant nothing.
		if doc, err := policy.Parse(string(text)); err == nil {
			decision = doc.Evaluate(policy.Request{
				Principal: c.Principal(), Action: "lambda:" + action, Resource: r.ARN().String(), Context: c.Conditions(time.Now()),
			})
		}
	}
	if decision == policy.Allowed {
		return nil
	}
	return denied(&c, action, r.String(), decision)
}

// denied is the refusal of what no policy allows, or one denies. It comes from
// the front door of AWS's services, which writes Message with a capital.
func denied(c *identity.Caller, action, resource string, d policy.Decision) error {
	why := "because no resource-based policy allows the lambda:" + action + " action"
	if d == policy.Denied {
		why = "with an explicit deny in a resource-based policy"
	}
	text := fmt.Sprintf("User: %s is not authorized to perform: lambda:%s on resource: %s %s", cmp.Or(c.Principal().ARN, "anonymous"), action, resource, why)
	return &wire.Error{Code: "AccessDeniedException", Status: 403, Fields: map[string]any{"Message": text}}
}
