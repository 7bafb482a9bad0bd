package app

import (
	"context"

	"millrace/services/s3"
)

func openS3(ctx context.Context, a *App) (Offer, error) {
	if err := a.startBuckets(ctx); err != nil {
		return Offer{}, err
	}
	return Offer{Service: s3.New(), Reset: a.buckets.Reset, Status: a.countObjects}, nil
}
