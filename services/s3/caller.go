package s3

import (
	"context"

	"millrace/runtime/object"
	"millrace/runtime/object/owner"
	"millrace/runtime/telemetry"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
)

// causer is who causes a change, as notifications tell it.
func causer(ctx context.Context) object.By {
	c := identity.From(ctx)
	return object.By{
		Caller: owner.CallerID(userID(&c)), SourceIP: c.SourceIP(), RequestID: c.RequestID, HostID: c.HostID,
		TraceHeader: c.TraceHeader, TraceParent: telemetry.TraceParent(ctx),
	}
}

// userID is the UserId that GetCallerIdentity says of a caller; "" for an anonymous one.
func userID(c *identity.Caller) string {
	switch {
	case c.Anonymous:
		return ""
	case c.Session != nil:
		return c.Session.UserID
	}
	return c.Account
}

// ownerOf is the account that owns a bucket and all that is in it, as lists show it. Names
// to display are no longer shown, says AWS since 2025-11.
func ownerOf(account string) *api.Owner {
	return &api.Owner{ID: new(owner.CanonicalUserID(account))}
}
