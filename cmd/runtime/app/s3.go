package app

import (
	"context"

	"millrace/services/s3"
)

func openS3(context.Context, *App) (Offer, error) { return Offer{Service: s3.New()}, nil }
