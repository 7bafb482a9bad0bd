package app

import (
	"context"
	"fmt"
	"time"

	"millrace/runtime/secret"
	"millrace/services/admin"
	"millrace/services/secretsmanager"
)

func openSecretsManager(ctx context.Context, a *App) (Offer, error) {
	a.secrets = secret.New(a.records, a.keys, time.Now)
	if err := a.secrets.Sweep(ctx); err != nil {
		return Offer{}, fmt.Errorf("removing deleted secrets: %w", err)
	}
	return Offer{
		Service: secretsmanager.New(a.secrets, time.Now),
		Status: func(context.Context) ([]admin.Count, error) {
			return []admin.Count{{Of: "secrets", N: a.secrets.Count()}}, nil
		},
	}, nil
}
