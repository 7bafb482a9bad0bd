package kms

import (
	"context"

	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
)

// EnableKey   awsJson1_1
//
//   - KMSInvalidStateException while the key waits for its deletion
func (s *Service) EnableKey(ctx context.Context, in *api.EnableKeyInput) (*api.EnableKeyOutput, error) {
	k, err := s.key(ctx, in.KeyId, "EnableKey")
	if err != nil {
		return nil, err
	}
	return &api.EnableKeyOutput{}, failure(s.ring.Enable(ctx, k))
}

// DisableKey   awsJson1_1
//
//   - from then on the key neither encrypts nor decrypts: DisabledException
//   - KMSInvalidStateException while the key waits for its deletion
func (s *Service) DisableKey(ctx context.Context, in *api.DisableKeyInput) (*api.DisableKeyOutput, error) {
	k, err := s.key(ctx, in.KeyId, "DisableKey")
	if err != nil {
		return nil, err
	}
	return &api.DisableKeyOutput{}, failure(s.ring.Disable(ctx, k))
}

// ScheduleKeyDeletion   awsJson1_1
//
//   - the key is of no use at once, and gone after 7 to 30 days, by default 30;
//     what it encrypted is then lost, and its aliases go with it
//   - KMSInvalidStateException when it waits for its deletion already
func (s *Service) ScheduleKeyDeletion(ctx context.Context, in *api.ScheduleKeyDeletionInput) (*api.ScheduleKeyDeletionOutput, error) {
	days := kit.ValueOr(in.PendingWindowInDays, 30)
	if days < 7 || days > 30 {
		return nil, validation("PendingWindowInDays must be between 7 and 30")
	}
	k, err := s.key(ctx, in.KeyId, "ScheduleKeyDeletion")
	if err != nil {
		return nil, err
	}
	if k, err = s.ring.ScheduleDeletion(ctx, k, int(days)); err != nil {
		return nil, failure(err)
	}
	return &api.ScheduleKeyDeletionOutput{
		KeyId:               new(k.ARN()),
		DeletionDate:        &k.DeleteAt,
		KeyState:            new(string(keys.PendingDeletion)),
		PendingWindowInDays: &days,
	}, nil
}

// CancelKeyDeletion   awsJson1_1
//
//   - the key stays, disabled
//   - KMSInvalidStateException when it does not wait for its deletion
func (s *Service) CancelKeyDeletion(ctx context.Context, in *api.CancelKeyDeletionInput) (*api.CancelKeyDeletionOutput, error) {
	k, err := s.key(ctx, in.KeyId, "CancelKeyDeletion")
	if err != nil {
		return nil, err
	}
	return &api.CancelKeyDeletionOutput{KeyId: new(k.ARN())}, failure(s.ring.CancelDeletion(ctx, k))
}

// UpdateKeyDescription   awsJson1_1
//
//   - KMSInvalidStateException while the key waits for its deletion
func (s *Service) UpdateKeyDescription(ctx context.Context, in *api.UpdateKeyDescriptionInput) (*api.UpdateKeyDescriptionOutput, error) {
	k, err := s.key(ctx, in.KeyId, "UpdateKeyDescription")
	if err != nil {
		return nil, err
	}
	return &api.UpdateKeyDescriptionOutput{}, failure(s.ring.Describe(ctx, k, *in.Description))
}
