package kms

import (
	"context"

	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
)

// The longest plaintext and ciphertext, in bytes.
const (
	maxPlaintext  = 4096
	maxCiphertext = 6144
)

// Encrypt   awsJson1_1
//
//   - up to 4096 bytes under a symmetric key; the ciphertext says which
//   - Decrypt then needs the same encryption context
func (s *Service) Encrypt(ctx context.Context, in *api.EncryptInput) (*api.EncryptOutput, error) {
	if err := blob("plaintext", in.Plaintext, maxPlaintext); err != nil {
		return nil, err
	}
	k, sealed, err := s.encrypt(ctx, in.KeyId, "Encrypt", in.EncryptionAlgorithm, in.Plaintext, in.EncryptionContext)
	if err == nil {
		err = dry(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &api.EncryptOutput{CiphertextBlob: sealed, EncryptionAlgorithm: new(symmetric), KeyId: new(k.ARN())}, nil
}

func (s *Service) encrypt(ctx context.Context, name *string, op string, algorithm *string, plaintext []byte, c map[string]string) (keys.Key, []byte, error) {
	k, err := s.key(ctx, name, op)
	if err != nil {
		return k, nil, err
	}
	sealed, err := s.ring.Encrypt(k, op, plaintext, c)
	if err == nil {
		err = checkAlgorithm(k, algorithm)
	}
	return k, sealed, failure(err)
}

// Decrypt   awsJson1_1
//
//   - finds the key by the ciphertext; with KeyId it must be that key, else
//     IncorrectKeyException
//   - InvalidCiphertextException for another encryption context and for damage
//   - a disabled key does not decrypt
//
// Not supported: Recipient, for enclaves.
func (s *Service) Decrypt(ctx context.Context, in *api.DecryptInput) (*api.DecryptOutput, error) {
	if err := noEnclave(in.Recipient); err != nil {
		return nil, err
	}
	k, plaintext, err := s.decrypt(ctx, in.KeyId, "Decrypt", in.EncryptionAlgorithm, in.CiphertextBlob, in.EncryptionContext)
	if err == nil {
		err = dry(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &api.DecryptOutput{
		EncryptionAlgorithm: new(symmetric), KeyId: new(k.ARN()), KeyMaterialId: materialID(k), Plaintext: plaintext,
	}, nil
}

func (s *Service) decrypt(ctx context.Context, name *string, op string, algorithm *string, sealed []byte, c map[string]string) (keys.Key, []byte, error) {
	if err := blob("ciphertextBlob", sealed, maxCiphertext); err != nil {
		return keys.Key{}, nil, err
	}
	from, who := caller(ctx)
	named := ""
	if name != nil {
		k, err := s.key(ctx, name, op)
		if err != nil {
			return k, nil, err
		}
		named = k.ID
	}
	k, err := s.ring.EncryptedBy(ctx, sealed, from.Region)
	if err == nil {
		err = k.Allows(who, op, from.Context(s.now))
	}
	if err != nil {
		return k, nil, failure(err)
	}
	if named != "" && named != k.ID {
		return k, nil, api.ErrIncorrectKeyException("The key ID in the request does not identify a CMK that can perform this operation.")
	}
	plaintext, err := s.ring.Decrypt(k, op, sealed, c)
	if err == nil {
		err = checkAlgorithm(k, algorithm)
	}
	return k, plaintext, failure(err)
}

// ReEncrypt   awsJson1_1
//
//   - what Decrypt with the source's key and context opens, Encrypt with the
//     destination's shuts again; nobody sees the plaintext
func (s *Service) ReEncrypt(ctx context.Context, in *api.ReEncryptInput) (*api.ReEncryptOutput, error) {
	from, plaintext, err := s.decrypt(ctx, in.SourceKeyId, "ReEncryptFrom", in.SourceEncryptionAlgorithm, in.CiphertextBlob, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	to, sealed, err := s.encrypt(ctx, in.DestinationKeyId, "ReEncryptTo", in.DestinationEncryptionAlgorithm, plaintext, in.DestinationEncryptionContext)
	if err == nil {
		err = dry(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &api.ReEncryptOutput{
		CiphertextBlob:                 sealed,
		DestinationEncryptionAlgorithm: new(symmetric),
		DestinationKeyMaterialId:       materialID(to),
		KeyId:                          new(to.ARN()),
		SourceEncryptionAlgorithm:      new(symmetric),
		SourceKeyId:                    new(from.ARN()),
		SourceKeyMaterialId:            materialID(from),
	}, nil
}

// checkAlgorithm refuses the algorithms of keys of another spec.
func checkAlgorithm(k keys.Key, algorithm *string) error {
	if asked := kit.ValueOr(algorithm, symmetric); asked != symmetric {
		return incompatible(k, asked)
	}
	return nil
}

func incompatible(k keys.Key, algorithm string) error {
	return api.ErrInvalidKeyUsageException("Algorithm " + algorithm + " and key spec " + string(k.Spec) + " are incompatible.")
}

func noEnclave(r *api.RecipientInfo) error {
	if r != nil {
		return unsupported("Millrace has no enclaves: Recipient is not supported.")
	}
	return nil
}
