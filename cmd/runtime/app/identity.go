package app

import (
	"context"
	"time"

	"millrace/runtime/identity"
	"millrace/services/iam"
	"millrace/services/sts"
)

func openIAM(_ context.Context, a *App) (Offer, error) {
	a.roles = identity.NewRoles(a.records)
	return Offer{Service: iam.New(a.roles, identity.NewPolicies(a.records), time.Now)}, nil
}

func openSTS(_ context.Context, a *App) (Offer, error) {
	a.issued = identity.NewSessions(a.records, time.Now)
	service := sts.New(a.issued, a.roles)
	a.sessions = service
	return Offer{Service: service}, nil
}
