package secretsmanager

import (
	"context"

	"millrace/runtime/secret"
	api "millrace/services/internal/api/secretsmanager"
)

// RotateSecret   awsJson1_1
//
// Not supported: rotation, which is refused as for a secret that has no rotation
// function, also when the request names one.
func (s *Service) RotateSecret(ctx context.Context, in *api.RotateSecretInput) (*api.RotateSecretOutput, error) {
	if in.ClientRequestToken == nil {
		return nil, api.ErrInvalidParameterException(noToken)
	}
	if err := checkToken(*in.ClientRequestToken); err != nil {
		return nil, err
	}
	return nil, s.refuse(ctx, in.SecretId, "RotateSecret", noFunction())
}

// CancelRotateSecret   awsJson1_1
//
// Not supported: rotation, which no secret has; it is refused as RotateSecret is.
func (s *Service) CancelRotateSecret(ctx context.Context, in *api.CancelRotateSecretInput) (*api.CancelRotateSecretOutput, error) {
	return nil, s.refuse(ctx, in.SecretId, "CancelRotateSecret", noFunction())
}

func noFunction() error {
	return api.ErrInvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
}

// ReplicateSecretToRegions   awsJson1_1
//
// Not supported: replicas; every region is refused as an invalid one.
func (s *Service) ReplicateSecretToRegions(ctx context.Context, in *api.ReplicateSecretToRegionsInput) (*api.ReplicateSecretToRegionsOutput, error) {
	return nil, s.refuse(ctx, in.SecretId, "ReplicateSecretToRegions", noReplicas())
}

// RemoveRegionsFromReplication   awsJson1_1
//
// Not supported: replicas; every region is refused as an invalid one.
func (s *Service) RemoveRegionsFromReplication(ctx context.Context, in *api.RemoveRegionsFromReplicationInput) (*api.RemoveRegionsFromReplicationOutput, error) {
	return nil, s.refuse(ctx, in.SecretId, "RemoveRegionsFromReplication", noReplicas())
}

// StopReplicationToReplica   awsJson1_1
//
// Not supported: replicas; no secret is one.
func (s *Service) StopReplicationToReplica(ctx context.Context, in *api.StopReplicationToReplicaInput) (*api.StopReplicationToReplicaOutput, error) {
	return nil, s.refuse(ctx, in.SecretId, "StopReplicationToReplica", noReplicas())
}

func noReplicas() error { return api.ErrInvalidParameterException("Invalid replica region.") }

// refuse is why an operation that is not supported fails: what is wrong with the secret
// comes first.
func (s *Service) refuse(ctx context.Context, id *string, op string, why error) error {
	r, err := s.secret(ctx, id, op, nil)
	switch {
	case err != nil:
		return err
	case r.Deleting():
		return failure(secret.Deleting)
	}
	return why
}
