package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// The algorithms of encryption at rest.
const (
	aes256     = "AES256"
	awsKMS     = "aws:kms"
	awsKMSDSSE = "aws:kms:dsse"
)

// What BlockedEncryptionTypes may hold.
const (
	blockSSEC = "SSE-C"
	blockNone = "NONE"
)

// PutBucketEncryption   restXml
//
//   - one rule, for objects whose writers ask for nothing; the KMS key need not exist
//   - BlockedEncryptionTypes SSE-C refuses writes with a client's own key, as in new
//     buckets, and NONE allows them; without the element it stays as it is
func (s *Service) PutBucketEncryption(ctx context.Context, in *api.PutBucketEncryptionInput) (*api.PutBucketEncryptionOutput, error) {
	err := s.update(ctx, encryptionRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) (err error) {
		if in.ServerSideEncryptionConfiguration == nil {
			return noBody()
		}
		settings.Encryption, err = encryptionRule(settings.Encryption, in.ServerSideEncryptionConfiguration.Rules)
		return err
	})
	return &api.PutBucketEncryptionOutput{}, err
}

// encryptionRule is what the rule of a request makes of a bucket's encryption.
func encryptionRule(have object.BucketEncryption, rules []*api.ServerSideEncryptionRule) (object.BucketEncryption, error) {
	if len(rules) != 1 || rules[0] == nil {
		return have, malformed()
	}
	rule, e := rules[0], have
	switch d := rule.ApplyServerSideEncryptionByDefault; {
	case d != nil:
		if !isAlgorithm(kit.Value(d.SSEAlgorithm)) {
			return have, malformed()
		}
		if d.KMSMasterKeyID != nil && *d.SSEAlgorithm == aes256 {
			return have, refusal("InvalidArgument", 400, "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
				"ArgumentName", "ApplyServerSideEncryptionByDefault")
		}
		e.Algorithm, e.KMSKey = *d.SSEAlgorithm, kit.Value(d.KMSMasterKeyID)
	case rule.BlockedEncryptionTypes == nil:
		return have, malformed()
	case e.Algorithm == "": // a block alone is a rule all the same
		e.Algorithm = aes256
	}
	e.BucketKey = kit.Value(rule.BucketKeyEnabled)
	if b := rule.BlockedEncryptionTypes; b != nil {
		if len(b.EncryptionType) != 1 || b.EncryptionType[0] != blockSSEC && b.EncryptionType[0] != blockNone {
			return have, malformed()
		}
		e.BlockSSEC = b.EncryptionType[0] == blockSSEC
	}
	return e, nil
}

func isAlgorithm(s string) bool { return s == aes256 || s == awsKMS || s == awsKMSDSSE }

// GetBucketEncryption   restXml
//
//   - AES256 until something else is put; no rule after DeleteBucketEncryption
func (s *Service) GetBucketEncryption(ctx context.Context, in *api.GetBucketEncryptionInput) (*api.GetBucketEncryptionOutput, error) {
	settings, err := s.settings(ctx, encryptionRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	conf := &api.ServerSideEncryptionConfiguration{}
	if e := settings.Encryption; e.Algorithm != "" {
		rule := &api.ServerSideEncryptionRule{
			ApplyServerSideEncryptionByDefault: &api.ServerSideEncryptionByDefault{SSEAlgorithm: &e.Algorithm, KMSMasterKeyID: kit.Optional(e.KMSKey)},
			BucketKeyEnabled:                   &e.BucketKey,
		}
		if e.BlockSSEC {
			rule.BlockedEncryptionTypes = &api.BlockedEncryptionTypes{EncryptionType: []string{blockSSEC}}
		}
		conf.Rules = append(conf.Rules, rule)
	}
	return &api.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: conf}, nil
}

// DeleteBucketEncryption   restXml
//
//   - new objects are encrypted with AES256; whether clients' own keys are refused stays
//     as it is
func (s *Service) DeleteBucketEncryption(ctx context.Context, in *api.DeleteBucketEncryptionInput) (*api.DeleteBucketEncryptionOutput, error) {
	err := s.update(ctx, encryptionRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		settings.Encryption = object.BucketEncryption{BlockSSEC: settings.Encryption.BlockSSEC}
		return nil
	})
	return &api.DeleteBucketEncryptionOutput{}, err
}

func encryptionRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "EncryptionConfiguration", bucket: bucket, owner: owner}
}
