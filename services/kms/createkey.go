package kms

import (
	"context"
	"slices"

	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/kit"
)

// CreateKey   awsJson1_1
//
//   - a symmetric key, or an HMAC key when KeySpec and KeyUsage say so
//   - the policy is checked, and must let the caller change it again unless
//     BypassPolicyLockoutSafetyCheck says otherwise
//   - at most 50 tags
//
// Not supported: asymmetric keys, keys of several regions, imported key material
// and custom key stores: UnsupportedOperationException.
func (s *Service) CreateKey(ctx context.Context, in *api.CreateKeyInput) (*api.CreateKeyOutput, error) {
	c, who := caller(ctx)
	spec, err := specOf(in)
	if err != nil {
		return nil, err
	}
	switch {
	case kit.ValueOr(in.Origin, "AWS_KMS") != "AWS_KMS" || in.CustomKeyStoreId != nil || in.XksKeyId != nil:
		return nil, unsupported("Millrace has no imported key material and no custom key stores.")
	case kit.ValueOr(in.MultiRegion, false):
		return nil, unsupported("Millrace has no multi-Region keys.")
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	k := keys.Key{
		Account: c.Account, Region: c.Region, Spec: spec,
		Description: kit.ValueOr(in.Description, ""), Policy: kit.ValueOr(in.Policy, ""), Tags: tags,
	}
	if err := checkPolicy(k, who, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	if k, err = s.ring.Create(ctx, k); err != nil {
		return nil, failure(err)
	}
	return &api.CreateKeyOutput{KeyMetadata: s.metadata(k)}, nil
}

// specOf reads what kind of key is asked for.
func specOf(in *api.CreateKeyInput) (keys.Spec, error) {
	if in.KeySpec != nil && in.CustomerMasterKeySpec != nil {
		return "", validation("You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	}
	spec := keys.Spec(kit.ValueOr(in.KeySpec, kit.ValueOr(in.CustomerMasterKeySpec, string(keys.Symmetric))))
	usage := kit.ValueOr(in.KeyUsage, "")
	switch {
	case usage == "" && !spec.Encrypts():
		return "", validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	case !slices.Contains(keys.Specs, spec):
		return "", unsupported("Millrace has no asymmetric keys: KeySpec %s is not supported.", spec)
	case usage != "" && usage != spec.Usage():
		return "", validation("The operation failed because the KeyUsage value of the CMK is %s. To perform this operation, the KeyUsage value must be %s.", usage, spec.Usage())
	}
	return spec, nil
}
