package iam

import (
	"context"

	"millrace/services/internal/identity"
)

// account is the caller's.
func account(ctx context.Context) string { return identity.From(ctx).Account }
