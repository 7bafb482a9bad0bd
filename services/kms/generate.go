package kms

import (
	"context"
	"crypto/hmac"
	"crypto/rand"

	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
)

// GenerateDataKey   awsJson1_1
//
//   - random bytes, plain and as Encrypt makes of them: AES_256, AES_128 or
//     NumberOfBytes up to 1024, one of the two
//
// Not supported: Recipient, for enclaves.
func (s *Service) GenerateDataKey(ctx context.Context, in *api.GenerateDataKeyInput) (*api.GenerateDataKeyOutput, error) {
	if err := noEnclave(in.Recipient); err != nil {
		return nil, err
	}
	k, plaintext, sealed, err := s.dataKey(ctx, "GenerateDataKey", in.KeyId, in.KeySpec, in.NumberOfBytes, in.EncryptionContext, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyOutput{CiphertextBlob: sealed, KeyId: new(k.ARN()), KeyMaterialId: materialID(k), Plaintext: plaintext}, nil
}

// GenerateDataKeyWithoutPlaintext   awsJson1_1
//
//   - GenerateDataKey for later: Decrypt shows the bytes when they are needed
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, in *api.GenerateDataKeyWithoutPlaintextInput) (*api.GenerateDataKeyWithoutPlaintextOutput, error) {
	k, _, sealed, err := s.dataKey(ctx, "GenerateDataKeyWithoutPlaintext", in.KeyId, in.KeySpec, in.NumberOfBytes, in.EncryptionContext, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyWithoutPlaintextOutput{CiphertextBlob: sealed, KeyId: new(k.ARN()), KeyMaterialId: materialID(k)}, nil
}

func (s *Service) dataKey(ctx context.Context, op string, name, spec *string, bytes *int32, c map[string]string, try *bool) (k keys.Key, plaintext, sealed []byte, err error) {
	if (spec == nil) == (bytes == nil) {
		return k, nil, nil, validation("Please specify either number of bytes or key spec.")
	}
	n := map[string]int32{"AES_128": 16, "AES_256": 32}[kit.ValueOr(spec, "")]
	plaintext = random(kit.ValueOr(bytes, n))
	k, sealed, err = s.encrypt(ctx, name, op, nil, plaintext, c)
	if err == nil {
		err = dry(try)
	}
	return k, plaintext, sealed, err
}

// GenerateRandom   awsJson1_1
//
//   - 1 to 1024 bytes
//
// Not supported: custom key stores, and Recipient, for enclaves.
func (s *Service) GenerateRandom(_ context.Context, in *api.GenerateRandomInput) (*api.GenerateRandomOutput, error) {
	if err := noEnclave(in.Recipient); err != nil {
		return nil, err
	}
	switch {
	case in.CustomKeyStoreId != nil:
		return nil, api.ErrCustomKeyStoreNotFoundException("There is no custom key store " + *in.CustomKeyStoreId + ".")
	case in.NumberOfBytes == nil:
		return nil, validation("NumberOfBytes is required.")
	}
	return &api.GenerateRandomOutput{Plaintext: random(*in.NumberOfBytes)}, nil
}

func random(n int32) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails, says its documentation
	return b
}

// GenerateMac   awsJson1_1
//
//   - the HMAC of up to 4096 bytes with a key of an HMAC spec, whose one algorithm
//     must be named
func (s *Service) GenerateMac(ctx context.Context, in *api.GenerateMacInput) (*api.GenerateMacOutput, error) {
	k, mac, err := s.mac(ctx, "GenerateMac", in.KeyId, in.MacAlgorithm, in.Message)
	if err == nil {
		err = dry(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	return &api.GenerateMacOutput{KeyId: new(k.ARN()), Mac: mac, MacAlgorithm: in.MacAlgorithm}, nil
}

// VerifyMac   awsJson1_1
//
//   - KMSInvalidMacException unless the HMAC is what GenerateMac makes of the message
func (s *Service) VerifyMac(ctx context.Context, in *api.VerifyMacInput) (*api.VerifyMacOutput, error) {
	if err := blob("mac", in.Mac, maxCiphertext); err != nil {
		return nil, err
	}
	k, mac, err := s.mac(ctx, "VerifyMac", in.KeyId, in.MacAlgorithm, in.Message)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(mac, in.Mac) {
		return nil, api.ErrKMSInvalidMacException("")
	}
	if err := dry(in.DryRun); err != nil {
		return nil, err
	}
	return &api.VerifyMacOutput{KeyId: new(k.ARN()), MacAlgorithm: in.MacAlgorithm, MacValid: new(true)}, nil
}

func (s *Service) mac(ctx context.Context, op string, name, algorithm *string, message []byte) (keys.Key, []byte, error) {
	if err := blob("message", message, maxPlaintext); err != nil {
		return keys.Key{}, nil, err
	}
	k, err := s.key(ctx, name, op)
	if err != nil {
		return k, nil, err
	}
	mac, err := s.ring.MAC(k, op, message)
	if err == nil && *algorithm != macAlgorithm(k) {
		err = incompatible(k, *algorithm)
	}
	return k, mac, failure(err)
}
