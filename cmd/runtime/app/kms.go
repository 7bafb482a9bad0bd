package app

import (
	"context"
	"time"

	"millrace/services/kms"
)

func openKMS(_ context.Context, a *App) (Offer, error) {
	return Offer{Service: kms.New(a.keys, time.Now)}, nil
}
