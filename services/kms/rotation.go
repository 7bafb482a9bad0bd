package kms

import (
	"context"
	"time"

	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
)

const day = 24 * time.Hour

// EnableKeyRotation   awsJson1_1
//
//   - every 90 to 2560 days, by default 365; symmetric keys alone
//
// Not supported: the rotation itself; keys keep their material.
func (s *Service) EnableKeyRotation(ctx context.Context, in *api.EnableKeyRotationInput) (*api.EnableKeyRotationOutput, error) {
	k, err := s.rotating(ctx, in.KeyId, "EnableKeyRotation")
	if err != nil {
		return nil, err
	}
	every := time.Duration(kit.ValueOr(in.RotationPeriodInDays, 365)) * day
	return &api.EnableKeyRotationOutput{}, failure(s.ring.SetRotation(ctx, k, every))
}

// DisableKeyRotation   awsJson1_1
func (s *Service) DisableKeyRotation(ctx context.Context, in *api.DisableKeyRotationInput) (*api.DisableKeyRotationOutput, error) {
	k, err := s.rotating(ctx, in.KeyId, "DisableKeyRotation")
	if err != nil {
		return nil, err
	}
	return &api.DisableKeyRotationOutput{}, failure(s.ring.SetRotation(ctx, k, 0))
}

// GetKeyRotationStatus   awsJson1_1
//
//   - a key that is disabled keeps its setting; one that waits for its deletion
//     does not rotate
func (s *Service) GetKeyRotationStatus(ctx context.Context, in *api.GetKeyRotationStatusInput) (*api.GetKeyRotationStatusOutput, error) {
	k, err := s.rotating(ctx, in.KeyId, "GetKeyRotationStatus")
	if err != nil {
		return nil, err
	}
	out := &api.GetKeyRotationStatusOutput{
		KeyId:              new(k.ARN()),
		KeyRotationEnabled: new(k.Rotation > 0 && k.State(s.now()) != keys.PendingDeletion),
	}
	if *out.KeyRotationEnabled {
		periods := s.now().Sub(k.RotateFrom)/k.Rotation + 1
		out.RotationPeriodInDays = new(int32(k.Rotation / day))
		out.NextRotationDate = new(k.RotateFrom.Add(periods * k.Rotation))
	}
	return out, nil
}

// rotating finds a key of a spec that can rotate.
func (s *Service) rotating(ctx context.Context, name *string, op string) (keys.Key, error) {
	k, err := s.key(ctx, name, op)
	if err == nil && !k.Spec.Encrypts() {
		err = unsupported("%s key spec is %s which is not valid for this operation.", k.ARN(), k.Spec)
	}
	return k, err
}
