package kms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
)

// DescribeKey   awsJson1_1
//
//   - by id, alias or the ARN of either; of another account by ARN, when the
//     key's policy allows it
//   - alias/aws/mq, alias/aws/s3, alias/aws/secretsmanager, alias/aws/sns and alias/aws/sqs make the keys that AWS manages for these
//     services when they are first asked for
func (s *Service) DescribeKey(ctx context.Context, in *api.DescribeKeyInput) (*api.DescribeKeyOutput, error) {
	k, err := s.key(ctx, in.KeyId, "DescribeKey")
	if err != nil {
		return nil, err
	}
	return &api.DescribeKeyOutput{KeyMetadata: s.metadata(k)}, nil
}

// ListKeys   awsJson1_1
//
//   - the account's keys in the region, in the order of their ids, 100 a page
//   - those that wait for their deletion, and those that AWS manages, are among them
func (s *Service) ListKeys(ctx context.Context, in *api.ListKeysInput) (*api.ListKeysOutput, error) {
	c, _ := caller(ctx)
	part, next, truncated, err := page(s.ring.Keys(c.Account, c.Region), func(k keys.Key) string { return k.ID },
		listing{in.Marker, in.Limit, 100, 1000})
	if err != nil {
		return nil, err
	}
	out := &api.ListKeysOutput{Keys: []*api.KeyListEntry{}, NextMarker: next, Truncated: truncated}
	for _, k := range part {
		out.Keys = append(out.Keys, &api.KeyListEntry{KeyId: &k.ID, KeyArn: new(k.ARN())})
	}
	return out, nil
}

// metadata is a key as CreateKey and DescribeKey show it.
func (s *Service) metadata(k keys.Key) *api.KeyMetadata {
	state := k.State(s.now())
	m := &api.KeyMetadata{
		AWSAccountId:          &k.Account,
		Arn:                   new(k.ARN()),
		CreationDate:          &k.Created,
		CustomerMasterKeySpec: new(string(k.Spec)),
		Description:           &k.Description,
		Enabled:               new(state == keys.Enabled),
		KeyId:                 &k.ID,
		KeyManager:            new("CUSTOMER"),
		KeySpec:               new(string(k.Spec)),
		KeyState:              new(string(state)),
		KeyUsage:              new(k.Spec.Usage()),
		MultiRegion:           new(false),
		Origin:                new("AWS_KMS"),
	}
	if k.Managed() {
		m.KeyManager = new("AWS")
	}
	if state == keys.PendingDeletion {
		m.DeletionDate = &k.DeleteAt
	}
	if k.Spec.Encrypts() {
		m.EncryptionAlgorithms = []string{symmetric}
		m.CurrentKeyMaterialId = materialID(k)
	} else {
		m.MacAlgorithms = []string{macAlgorithm(k)}
	}
	return m
}

// symmetric is the one algorithm of symmetric keys.
const symmetric = string(keys.Symmetric)

// macAlgorithm is the one algorithm of an HMAC key: HMAC_SHA_256 of HMAC_256.
func macAlgorithm(k keys.Key) string { return strings.Replace(string(k.Spec), "HMAC_", "HMAC_SHA_", 1) }

// materialID names the material of a symmetric key, which is never another's.
func materialID(k keys.Key) *string {
	sum := sha256.Sum256([]byte("key material of " + k.ARN()))
	return new(hex.EncodeToString(sum[:]))
}
