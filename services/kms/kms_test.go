package kms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
	"millrace/services/gateway"
	api "millrace/services/internal/api/kms"
	"millrace/services/internal/wire"
	"millrace/services/kms"
	"millrace/test/wholebody"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

const (
	account  = "111111111111"
	stranger = "222222222222"
	region   = "eu-west-1"
	prefix   = "arn:aws:kms:" + region + ":" + account + ":"
	none     = "00000000-0000-4000-8000-000000000000"
	day      = 24 * time.Hour
)

// A bench is a service with clients of two accounts, and its clock.
type bench struct {
	*sdk.Client
	other   *sdk.Client
	service *kms.Service
	ring    *keys.Ring
	now     time.Time
	t       *testing.T
}

// start serves KMS alone, over HTTP.
func start(t *testing.T) *bench {
	t.Helper()
	store := record.New(backbonetest.Start(t, t.TempDir()).JetStream(), nil)
	if err := store.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Stop(context.Background()) })
	b := &bench{now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), t: t}
	clock := func() time.Time { return b.now }
	var err error
	if b.ring, err = keys.Open(store, keys.NewRoot(), clock); err != nil {
		t.Fatal(err)
	}
	b.service = kms.New(b.ring, clock)
	server := httptest.NewServer(gateway.New(gateway.Config{Services: []gateway.Service{b.service}, Account: account, Region: region}))
	t.Cleanup(server.Close)
	client := func(account string) *sdk.Client {
		return sdk.New(sdk.Options{
			BaseEndpoint: &server.URL, Region: region, RetryMaxAttempts: 1, HTTPClient: wholebody.Client(),
			Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""),
		})
	}
	b.Client, b.other = client(account), client(stranger)
	return b
}

// must is v, unless the call that made it failed.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (b *bench) mustCreate(in *sdk.CreateKeyInput) *types.KeyMetadata {
	b.t.Helper()
	return must(b.CreateKey(b.t.Context(), in))(b.t).KeyMetadata
}

// mustOK drops the answer of a call that must succeed.
func mustOK[T any](v T, err error) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		must(v, err)(t)
	}
}

// refused fails the test unless err is AWS's error code with that text.
func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || e.ErrorMessage() != text {
		t.Errorf("got %v, want %s: %s", err, code, text)
	}
}

func TestKeysOnShow(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k := b.mustCreate(&sdk.CreateKeyInput{Description: aws.String("<grain> & ü"), Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("mill")}}})
	if *k.Arn != prefix+"key/"+*k.KeyId || !k.Enabled || k.KeyState != "Enabled" || k.KeyUsage != "ENCRYPT_DECRYPT" || k.KeySpec != "SYMMETRIC_DEFAULT" ||
		k.KeyManager != "CUSTOMER" || k.Origin != "AWS_KMS" || *k.AWSAccountId != account || *k.MultiRegion ||
		*k.Description != "<grain> & ü" || !k.CreationDate.Equal(b.now) || len(*k.CurrentKeyMaterialId) != 64 || fmt.Sprint(k.EncryptionAlgorithms) != "[SYMMETRIC_DEFAULT]" {
		t.Errorf("created %+v", k)
	}
	mustOK(b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/mill"), TargetKeyId: k.Arn}))(t)
	for _, name := range []string{*k.KeyId, *k.Arn, "alias/mill", prefix + "alias/mill"} {
		got, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &name})
		if err != nil || *got.KeyMetadata.KeyId != *k.KeyId {
			t.Errorf("%s: %v", name, err)
		}
	}
	mac := b.mustCreate(&sdk.CreateKeyInput{KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC"})
	if fmt.Sprint(mac.MacAlgorithms) != "[HMAC_SHA_256]" || mac.EncryptionAlgorithms != nil || mac.CurrentKeyMaterialId != nil || mac.KeyUsage != "GENERATE_VERIFY_MAC" {
		t.Errorf("created %+v", mac)
	}
	sqs := must(b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("alias/aws/sqs")}))(t).KeyMetadata
	if sqs.KeyManager != "AWS" || *sqs.Description != "Default key that protects my SQS messages when no other key is defined" {
		t.Errorf("AWS's key is %+v", sqs)
	}

	// In three pages, and none of them in another region or account.
	var listed []string
	for pages := sdk.NewListKeysPaginator(b, &sdk.ListKeysInput{Limit: aws.Int32(1)}); pages.HasMorePages(); {
		for _, e := range must(pages.NextPage(ctx))(t).Keys {
			listed = append(listed, *e.KeyId)
			if *e.KeyArn != prefix+"key/"+*e.KeyId {
				t.Errorf("listed %s", *e.KeyArn)
			}
		}
	}
	want := []string{*k.KeyId, *mac.KeyId, *sqs.KeyId}
	if slices.Sort(want); !slices.Equal(listed, want) {
		t.Errorf("listed %v, want %v", listed, want)
	}
	elsewhere := func(o *sdk.Options) { o.Region = "us-east-1" }
	if got := must(b.ListKeys(ctx, &sdk.ListKeysInput{}, elsewhere))(t).Keys; len(got) != 0 {
		t.Errorf("another region has %v", got)
	}
	if got := must(b.other.ListKeys(ctx, &sdk.ListKeysInput{}))(t).Keys; len(got) != 0 {
		t.Errorf("another account has %v", got)
	}
	_, err := b.ListKeys(ctx, &sdk.ListKeysInput{Marker: aws.String("?")})
	refused(t, err, "InvalidMarkerException", "Could not deserialize marker '?'")

	mustOK(b.UpdateKeyDescription(ctx, &sdk.UpdateKeyDescriptionInput{KeyId: k.KeyId, Description: aws.String("flour")}))(t)
	if got := must(b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.KeyId}))(t).KeyMetadata.Description; *got != "flour" {
		t.Errorf("described as %s", *got)
	}
}

func TestCreateKeyRefusals(t *testing.T) {
	b := start(t)
	policy := func(principal string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"kms:*","Resource":"*"}]}`)
	}
	many := make([]types.Tag, 51)
	for i := range many {
		many[i] = types.Tag{TagKey: aws.String(fmt.Sprint(i)), TagValue: aws.String("")}
	}
	tag := types.Tag{TagKey: aws.String("a"), TagValue: aws.String("")}
	for _, c := range []struct {
		in         sdk.CreateKeyInput
		code, text string
	}{
		{sdk.CreateKeyInput{KeySpec: "HMAC_256"}, "ValidationException", "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."},
		{sdk.CreateKeyInput{KeySpec: "HMAC_256", KeyUsage: "ENCRYPT_DECRYPT"}, "ValidationException", "The operation failed because the KeyUsage value of the CMK is ENCRYPT_DECRYPT. To perform this operation, the KeyUsage value must be GENERATE_VERIFY_MAC."},
		{sdk.CreateKeyInput{KeyUsage: "SIGN_VERIFY"}, "ValidationException", "The operation failed because the KeyUsage value of the CMK is SIGN_VERIFY. To perform this operation, the KeyUsage value must be ENCRYPT_DECRYPT."},
		{sdk.CreateKeyInput{KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY"}, "UnsupportedOperationException", "Millrace has no asymmetric keys: KeySpec RSA_2048 is not supported."},
		{sdk.CreateKeyInput{Origin: "EXTERNAL"}, "UnsupportedOperationException", "Millrace has no imported key material and no custom key stores."},
		{sdk.CreateKeyInput{MultiRegion: aws.Bool(true)}, "UnsupportedOperationException", "Millrace has no multi-Region keys."},
		{sdk.CreateKeyInput{Policy: policy(stranger)}, "MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future."},
		{sdk.CreateKeyInput{Tags: many}, "LimitExceededException", "Too many tags"},
		{sdk.CreateKeyInput{Tags: []types.Tag{tag, tag}}, "TagException", "Duplicate tag keys"},
		{sdk.CreateKeyInput{Tags: []types.Tag{{TagKey: aws.String("aws:a"), TagValue: aws.String("")}}}, "TagException", "aws: prefixed tag key names are not allowed for external use."},
		{sdk.CreateKeyInput{Description: aws.String(strings.Repeat("x", 8193))}, "ValidationException", "1 validation error detected: Value '" + strings.Repeat("x", 8193) + "' at 'description' failed to satisfy constraint: Member must have length less than or equal to 8192"},
	} {
		_, err := b.CreateKey(t.Context(), &c.in)
		refused(t, err, c.code, c.text)
	}
	_, err := b.service.CreateKey(t.Context(), &api.CreateKeyInput{KeySpec: aws.String("SYMMETRIC_DEFAULT"), CustomerMasterKeySpec: aws.String("SYMMETRIC_DEFAULT")})
	if e := new(wire.Error); !errors.As(err, &e) || e.Message != "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated." {
		t.Errorf("both names of the spec: %v", err)
	}
	_, err = b.CreateKey(t.Context(), &sdk.CreateKeyInput{Policy: aws.String("{")})
	if e := new(types.MalformedPolicyDocumentException); !errors.As(err, &e) {
		t.Errorf("a policy that is none: %v", err)
	}
	if got := must(b.ListKeys(t.Context(), &sdk.ListKeysInput{}))(t).Keys; len(got) != 0 {
		t.Errorf("refused, and yet there is %v", got)
	}
	b.mustCreate(&sdk.CreateKeyInput{Policy: policy(stranger), BypassPolicyLockoutSafetyCheck: true})
	b.mustCreate(&sdk.CreateKeyInput{Policy: policy(account)})
}

// TestUnknownKeys asks every operation on a key for one that is not there.
func TestUnknownKeys(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	calls := func(id *string) []error {
		var errs []error
		add := func(_ any, err error) { errs = append(errs, err) }
		add(b.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: id}))
		add(b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/a"), TargetKeyId: id}))
		add(b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: id}))
		add(b.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: id}))
		add(b.DisableKeyRotation(ctx, &sdk.DisableKeyRotationInput{KeyId: id}))
		add(b.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: id}))
		add(b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: id}))
		add(b.Encrypt(ctx, &sdk.EncryptInput{KeyId: id, Plaintext: []byte("x")}))
		add(b.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: id, KeySpec: "AES_256"}))
		add(b.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: id, KeySpec: "AES_256"}))
		add(b.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: id, MacAlgorithm: "HMAC_SHA_256", Message: []byte("x")}))
		add(b.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: id}))
		add(b.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: id}))
		add(b.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: id}))
		add(b.ListKeyPolicies(ctx, &sdk.ListKeyPoliciesInput{KeyId: id}))
		add(b.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: id}))
		add(b.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: id, Policy: aws.String("{}")}))
		add(b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: id}))
		add(b.TagResource(ctx, &sdk.TagResourceInput{KeyId: id, Tags: []types.Tag{}}))
		add(b.UntagResource(ctx, &sdk.UntagResourceInput{KeyId: id, TagKeys: []string{}}))
		add(b.UpdateKeyDescription(ctx, &sdk.UpdateKeyDescriptionInput{KeyId: id, Description: aws.String("x")}))
		add(b.VerifyMac(ctx, &sdk.VerifyMacInput{KeyId: id, MacAlgorithm: "HMAC_SHA_256", Message: []byte("x"), Mac: []byte("x")}))
		return errs
	}
	for name, text := range map[string]string{
		none:                                  "Key '" + prefix + "key/" + none + "' does not exist",
		"mill":                                "Invalid keyId 'mill'",
		"arn:aws:kms:us-east-1:1:key/" + none: "Invalid arn us-east-1",
	} {
		for _, err := range calls(&name) {
			refused(t, err, "NotFoundException", text)
		}
	}
	_, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("alias/none")})
	refused(t, err, "NotFoundException", "Alias "+prefix+"alias/none is not found.")
}

// TestStates goes through the table of what works in which state of a key.
func TestStates(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k := b.mustCreate(&sdk.CreateKeyInput{})
	spare := b.mustCreate(&sdk.CreateKeyInput{})
	mustOK(b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/spare"), TargetKeyId: spare.KeyId}))(t)
	sealed := must(b.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte("x")}))(t).CiphertextBlob
	root := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"kms:*","Resource":"*"}]}`)
	tags := []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("b")}}

	const disabled, pending, waits = "DisabledException is disabled.", "KMSInvalidStateException is pending deletion.", "KMSInvalidStateException is not pending deletion."
	for _, c := range []struct {
		op                        string
		whenDisabled, whenPending string
		call                      func() (any, error)
	}{
		{"Encrypt", disabled, pending, func() (any, error) { return b.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte("x")}) }},
		{"Decrypt", disabled, pending, func() (any, error) { return b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed}) }},
		{"ReEncrypt", disabled, pending, func() (any, error) {
			return b.ReEncrypt(ctx, &sdk.ReEncryptInput{CiphertextBlob: sealed, DestinationKeyId: spare.KeyId})
		}},
		{"GenerateDataKey", disabled, pending, func() (any, error) {
			return b.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.KeyId, KeySpec: "AES_256"})
		}},
		{"GenerateDataKeyWithoutPlaintext", disabled, pending, func() (any, error) {
			return b.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: k.KeyId, KeySpec: "AES_256"})
		}},
		{"EnableKeyRotation", disabled, pending, func() (any, error) { return b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: k.KeyId}) }},
		{"DisableKeyRotation", disabled, pending, func() (any, error) { return b.DisableKeyRotation(ctx, &sdk.DisableKeyRotationInput{KeyId: k.KeyId}) }},
		{"CreateAlias", "", pending, func() (any, error) {
			return b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/k"), TargetKeyId: k.KeyId})
		}},
		{"UpdateAlias", "", pending, func() (any, error) {
			return b.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: aws.String("alias/spare"), TargetKeyId: k.KeyId})
		}},
		{"TagResource", "", pending, func() (any, error) { return b.TagResource(ctx, &sdk.TagResourceInput{KeyId: k.KeyId, Tags: tags}) }},
		{"UntagResource", "", pending, func() (any, error) {
			return b.UntagResource(ctx, &sdk.UntagResourceInput{KeyId: k.KeyId, TagKeys: []string{"a"}})
		}},
		{"UpdateKeyDescription", "", pending, func() (any, error) {
			return b.UpdateKeyDescription(ctx, &sdk.UpdateKeyDescriptionInput{KeyId: k.KeyId, Description: aws.String("x")})
		}},
		{"DescribeKey", "", "", func() (any, error) { return b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.KeyId}) }},
		{"GetKeyPolicy", "", "", func() (any, error) { return b.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: k.KeyId}) }},
		{"PutKeyPolicy", "", "", func() (any, error) { return b.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: root}) }},
		{"ListKeyPolicies", "", "", func() (any, error) { return b.ListKeyPolicies(ctx, &sdk.ListKeyPoliciesInput{KeyId: k.KeyId}) }},
		{"ListResourceTags", "", "", func() (any, error) { return b.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: k.KeyId}) }},
		{"ListAliases", "", "", func() (any, error) { return b.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: k.KeyId}) }},
		{"GetKeyRotationStatus", "", "", func() (any, error) {
			return b.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: k.KeyId})
		}},
		{"DisableKey", "", pending, func() (any, error) { return b.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: k.KeyId}) }},
		{"ScheduleKeyDeletion", "", pending, func() (any, error) {
			return b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: aws.Int32(7)})
		}},
		{"CancelKeyDeletion", waits, "", func() (any, error) { return b.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: k.KeyId}) }},
		{"EnableKey", "", pending, func() (any, error) { return b.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: k.KeyId}) }},
	} {
		for _, in := range []struct {
			state keys.State
			want  string
		}{{keys.Disabled, c.whenDisabled}, {keys.PendingDeletion, c.whenPending}} {
			b.putInto(*k.KeyId, in.state)
			_, err := c.call()
			code, text, _ := strings.Cut(in.want, " ")
			if in.want != "" {
				refused(t, err, code, *k.Arn+" "+text)
			} else if err != nil {
				t.Errorf("%s when %s: %v", c.op, in.state, err)
			}
		}
	}
}

// putInto brings a key into a state, whatever it was in.
func (b *bench) putInto(id string, state keys.State) {
	b.t.Helper()
	ctx := b.t.Context()
	k := must(b.ring.Key(ctx, id, account, region))(b.t)
	if k.State(b.now) == keys.PendingDeletion {
		must(0, b.ring.CancelDeletion(ctx, k))(b.t)
	}
	must(0, b.ring.Disable(ctx, k))(b.t)
	if state == keys.PendingDeletion {
		mustOK(b.ring.ScheduleDeletion(ctx, k, 30))(b.t)
	}
}

func TestDeletion(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k := b.mustCreate(&sdk.CreateKeyInput{})
	sealed := must(b.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: []byte("x")}))(t).CiphertextBlob
	for _, days := range []int32{6, 31} {
		_, err := b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: &days})
		refused(t, err, "ValidationException", "PendingWindowInDays must be between 7 and 30")
	}
	out := must(b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId}))(t)
	if *out.KeyId != *k.Arn || !out.DeletionDate.Equal(b.now.Add(30*day)) || out.KeyState != "PendingDeletion" || *out.PendingWindowInDays != 30 {
		t.Errorf("got %+v", out)
	}
	shown := must(b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.KeyId}))(t).KeyMetadata
	if shown.KeyState != "PendingDeletion" || shown.Enabled || !shown.DeletionDate.Equal(b.now.Add(30*day)) {
		t.Errorf("shown as %+v", shown)
	}
	if got := must(b.CancelKeyDeletion(ctx, &sdk.CancelKeyDeletionInput{KeyId: k.KeyId}))(t); *got.KeyId != *k.Arn {
		t.Errorf("kept %s", *got.KeyId)
	}
	if shown = must(b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.KeyId}))(t).KeyMetadata; shown.KeyState != "Disabled" || shown.DeletionDate != nil {
		t.Errorf("kept as %+v", shown)
	}
	mustOK(b.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: k.KeyId}))(t)
	mustOK(b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: aws.Int32(7)}))(t)
	b.now = b.now.Add(7 * day)
	_, err := b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: k.KeyId})
	refused(t, err, "NotFoundException", "Key '"+*k.Arn+"' does not exist")
	_, err = b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed})
	refused(t, err, "AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
}

func TestAliases(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k, other := b.mustCreate(&sdk.CreateKeyInput{}), b.mustCreate(&sdk.CreateKeyInput{})
	mac := b.mustCreate(&sdk.CreateKeyInput{KeySpec: "HMAC_224", KeyUsage: "GENERATE_VERIFY_MAC"})
	create := func(name string, target *string) error {
		_, err := b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: &name, TargetKeyId: target})
		return err
	}
	for _, name := range []string{"alias/b", "alias/a/1", "alias/c"} {
		if err := create(name, k.KeyId); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, create("alias/b", other.KeyId), "AlreadyExistsException", "An alias with the name "+prefix+"alias/b already exists")
	refused(t, create("b", k.KeyId), "ValidationException", `Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	refused(t, create("alias/b:c", k.KeyId), "ValidationException", "alias/b:c contains invalid characters for an alias")
	refused(t, create("alias/b.c", k.KeyId), "ValidationException", "1 validation error detected: Value 'alias/b.c' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$")
	// The error has no text, which the SDK says in its own way.
	refused(t, create("alias/aws/mill", k.KeyId), "NotAuthorizedException", "UnknownError")
	refused(t, create("alias/d", aws.String("alias/b")), "ValidationException", "Aliases must refer to keys. Not aliases")

	names := func(in sdk.ListAliasesInput) (all []string) {
		t.Helper()
		for pages := sdk.NewListAliasesPaginator(b, &in); pages.HasMorePages(); {
			for _, a := range must(pages.NextPage(ctx))(t).Aliases {
				if *a.AliasArn != prefix+*a.AliasName {
					t.Errorf("%s is %s", *a.AliasName, *a.AliasArn)
				}
				all = append(all, strings.TrimPrefix(*a.AliasName, "alias/")+"="+aws.ToString(a.TargetKeyId))
			}
		}
		return all
	}
	want := []string{"a/1=" + *k.KeyId, "aws/mq=", "aws/s3=", "aws/secretsmanager=", "aws/sns=", "aws/sqs=", "b=" + *k.KeyId, "c=" + *k.KeyId}
	if got := names(sdk.ListAliasesInput{Limit: aws.Int32(1)}); !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	if got := names(sdk.ListAliasesInput{KeyId: other.KeyId}); len(got) != 0 {
		t.Errorf("listed %v", got)
	}

	update := func(name string, target *string) error {
		_, err := b.UpdateAlias(ctx, &sdk.UpdateAliasInput{AliasName: &name, TargetKeyId: target})
		return err
	}
	b.now = b.now.Add(time.Hour)
	if err := update("alias/b", other.KeyId); err != nil {
		t.Fatal(err)
	}
	moved := must(b.ListAliases(ctx, &sdk.ListAliasesInput{KeyId: other.KeyId}))(t).Aliases
	if len(moved) != 1 || !moved[0].LastUpdatedDate.Equal(b.now) || !moved[0].CreationDate.Equal(b.now.Add(-time.Hour)) {
		t.Errorf("moved %v", moved)
	}
	refused(t, update("alias/none", k.KeyId), "NotFoundException", "Alias "+prefix+"alias/none is not found.")
	refused(t, update("alias/b", mac.KeyId), "ValidationException", "Alias alias/b cannot be changed from KMS key "+*other.Arn+" to "+*mac.Arn+" because the keys have different KeyUsage values")
	refused(t, update("alias/aws/sqs", k.KeyId), "NotAuthorizedException", "UnknownError")

	mustOK(b.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: aws.String("alias/b")}))(t)
	_, err := b.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: aws.String("alias/b")})
	refused(t, err, "NotFoundException", "Alias "+prefix+"alias/b is not found.")
	_, err = b.DeleteAlias(ctx, &sdk.DeleteAliasInput{AliasName: aws.String("alias/aws/sqs")})
	refused(t, err, "NotAuthorizedException", "UnknownError")

	for i := range 48 {
		if err := create(fmt.Sprintf("alias/more/%d", i), k.KeyId); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, create("alias/toomuch", k.KeyId), "LimitExceededException", "The KMS key "+*k.Arn+" has reached its limit of 50 aliases")
}

func TestEncryption(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k, other := b.mustCreate(&sdk.CreateKeyInput{}), b.mustCreate(&sdk.CreateKeyInput{})
	with := map[string]string{"purpose": "flour", "sack": "1"}
	plain := bytes.Repeat([]byte("x"), 4096)
	sealed := must(b.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: plain, EncryptionContext: with}))(t)
	if *sealed.KeyId != *k.Arn || sealed.EncryptionAlgorithm != "SYMMETRIC_DEFAULT" || bytes.Contains(sealed.CiphertextBlob, []byte("xxxx")) {
		t.Errorf("got %+v", sealed)
	}
	opened := must(b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: with}))(t)
	if !bytes.Equal(opened.Plaintext, plain) || *opened.KeyId != *k.Arn {
		t.Errorf("decrypted %d bytes with %s", len(opened.Plaintext), *opened.KeyId)
	}
	moved := must(b.ReEncrypt(ctx, &sdk.ReEncryptInput{CiphertextBlob: sealed.CiphertextBlob, SourceEncryptionContext: with, DestinationKeyId: other.KeyId}))(t)
	if *moved.SourceKeyId != *k.Arn || *moved.KeyId != *other.Arn {
		t.Errorf("moved from %s to %s", *moved.SourceKeyId, *moved.KeyId)
	}
	opened = must(b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: moved.CiphertextBlob, KeyId: other.Arn}))(t)
	if !bytes.Equal(opened.Plaintext, plain) {
		t.Errorf("decrypted %d bytes", len(opened.Plaintext))
	}

	damaged := bytes.Clone(sealed.CiphertextBlob)
	damaged[len(damaged)-1] ^= 1
	for _, c := range []struct {
		in         sdk.DecryptInput
		code, text string
	}{
		{sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}, "InvalidCiphertextException", ""},
		{sdk.DecryptInput{CiphertextBlob: damaged, EncryptionContext: with}, "InvalidCiphertextException", ""},
		{sdk.DecryptInput{CiphertextBlob: []byte("x")}, "InvalidCiphertextException", ""},
		{sdk.DecryptInput{CiphertextBlob: bytes.Repeat([]byte("x"), 6145)}, "ValidationException", "1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length less than or equal to 6144"},
		{sdk.DecryptInput{}, "ValidationException", "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"},
		{sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: with, KeyId: other.KeyId}, "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."},
		{sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: with, EncryptionAlgorithm: "RSAES_OAEP_SHA_1"}, "InvalidKeyUsageException", "Algorithm RSAES_OAEP_SHA_1 and key spec SYMMETRIC_DEFAULT are incompatible."},
		{sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: with, DryRun: aws.Bool(true)}, "DryRunOperationException", "The request would have succeeded, but the DryRun option is set."},
		{sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, Recipient: &types.RecipientInfo{}}, "UnsupportedOperationException", "Millrace has no enclaves: Recipient is not supported."},
	} {
		_, err := b.Decrypt(ctx, &c.in)
		refused(t, err, c.code, c.text)
	}
	for n, text := range map[int]string{0: "greater than or equal to 1", 4097: "less than or equal to 4096"} {
		_, err := b.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: make([]byte, n)})
		refused(t, err, "ValidationException", "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length "+text)
	}
}

func TestGenerated(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k := b.mustCreate(&sdk.CreateKeyInput{})
	for _, c := range []struct {
		spec  types.DataKeySpec
		bytes *int32
		want  int
	}{{"AES_256", nil, 32}, {"AES_128", nil, 16}, {"", aws.Int32(64), 64}, {"", aws.Int32(1024), 1024}} {
		d := must(b.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.KeyId, KeySpec: c.spec, NumberOfBytes: c.bytes}))(t)
		opened := must(b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: d.CiphertextBlob}))(t)
		if len(d.Plaintext) != c.want || !bytes.Equal(opened.Plaintext, d.Plaintext) || *d.KeyId != *k.Arn {
			t.Errorf("%s %v: %d bytes", c.spec, aws.ToInt32(c.bytes), len(d.Plaintext))
		}
		bare := must(b.GenerateDataKeyWithoutPlaintext(ctx, &sdk.GenerateDataKeyWithoutPlaintextInput{KeyId: k.KeyId, KeySpec: c.spec, NumberOfBytes: c.bytes}))(t)
		if opened = must(b.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: bare.CiphertextBlob}))(t); len(opened.Plaintext) != c.want {
			t.Errorf("%s %v: %d bytes later", c.spec, aws.ToInt32(c.bytes), len(opened.Plaintext))
		}
	}
	const either = "Please specify either number of bytes or key spec."
	_, err := b.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.KeyId})
	refused(t, err, "ValidationException", either)
	_, err = b.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.KeyId, KeySpec: "AES_256", NumberOfBytes: aws.Int32(32)})
	refused(t, err, "ValidationException", either)
	_, err = b.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: k.KeyId, NumberOfBytes: aws.Int32(1025)})
	refused(t, err, "ValidationException", "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024")

	if got := must(b.GenerateRandom(ctx, &sdk.GenerateRandomInput{NumberOfBytes: aws.Int32(20)}))(t).Plaintext; len(got) != 20 {
		t.Errorf("%d random bytes", len(got))
	}
	_, err = b.GenerateRandom(ctx, &sdk.GenerateRandomInput{})
	refused(t, err, "ValidationException", "NumberOfBytes is required.")
}

func TestMACs(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k := b.mustCreate(&sdk.CreateKeyInput{KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC"})
	plain := b.mustCreate(&sdk.CreateKeyInput{})
	message := []byte("grain")
	mac := must(b.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: k.KeyId, MacAlgorithm: "HMAC_SHA_256", Message: message}))(t).Mac
	if got := must(b.VerifyMac(ctx, &sdk.VerifyMacInput{KeyId: k.KeyId, MacAlgorithm: "HMAC_SHA_256", Message: message, Mac: mac}))(t); !got.MacValid || *got.KeyId != *k.Arn {
		t.Errorf("got %+v", got)
	}
	_, err := b.VerifyMac(ctx, &sdk.VerifyMacInput{KeyId: k.KeyId, MacAlgorithm: "HMAC_SHA_256", Message: []byte("grist"), Mac: mac})
	refused(t, err, "KMSInvalidMacException", "")
	_, err = b.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: k.KeyId, MacAlgorithm: "HMAC_SHA_512", Message: message})
	refused(t, err, "InvalidKeyUsageException", "Algorithm HMAC_SHA_512 and key spec HMAC_256 are incompatible.")
	_, err = b.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: plain.KeyId, MacAlgorithm: "HMAC_SHA_256", Message: message})
	refused(t, err, "InvalidKeyUsageException", *plain.Arn+" key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.")
	_, err = b.Encrypt(ctx, &sdk.EncryptInput{KeyId: k.KeyId, Plaintext: message})
	refused(t, err, "InvalidKeyUsageException", *k.Arn+" key usage is GENERATE_VERIFY_MAC which is not valid for Encrypt.")
	_, err = b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: k.KeyId})
	refused(t, err, "UnsupportedOperationException", *k.Arn+" key spec is HMAC_256 which is not valid for this operation.")
}

// TestPolicies lets another account use a key as its policy says.
func TestPolicies(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k := b.mustCreate(&sdk.CreateKeyInput{})
	standard := must(b.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: k.KeyId}))(t)
	if !strings.Contains(*standard.Policy, `"AWS" : "arn:aws:iam::`+account+`:root"`) || *standard.PolicyName != "default" {
		t.Errorf("by default %s: %s", *standard.PolicyName, *standard.Policy)
	}
	if got := must(b.ListKeyPolicies(ctx, &sdk.ListKeyPoliciesInput{KeyId: k.KeyId}))(t).PolicyNames; !slices.Equal(got, []string{"default"}) {
		t.Errorf("listed %v", got)
	}
	put := func(policy string) {
		t.Helper()
		mustOK(b.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: &policy}))(t)
	}
	put(*standard.Policy)
	encrypt := func(client *sdk.Client, id string) error {
		_, err := client.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("x")})
		return err
	}
	denied := "User: arn:aws:iam::" + stranger + ":root is not authorized to perform: kms:Encrypt on resource: " + *k.Arn + " because no resource-based policy allows the kms:Encrypt action"
	refused(t, encrypt(b.other, *k.Arn), "AccessDeniedException", denied)
	own := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}`
	put(`{"Version":"2012-10-17","Statement":[` + own + `,{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + stranger + `:root"},"Action":["kms:Encrypt","kms:DescribeKey"],"Resource":"*"}]}`)
	if err := encrypt(b.other, *k.Arn); err != nil {
		t.Errorf("allowed, and yet: %v", err)
	}
	_, err := b.other.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: k.Arn})
	refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+stranger+":root is not authorized to perform: kms:DisableKey on resource: "+*k.Arn+" because no resource-based policy allows the kms:DisableKey action")

	// Conditions are asked, and what other accounts can never do stays theirs not to do.
	others := func(effect, condition string) string {
		return `{"Effect":"` + effect + `","Principal":{"AWS":"` + stranger + `"},"Action":"kms:*","Resource":"*","Condition":` + condition + `}`
	}
	for _, c := range []struct {
		statements, why string
	}{
		{others("Allow", `{"StringEquals":{"kms:CallerAccount":"`+stranger+`"}}`), ""},
		{others("Allow", `{"StringEquals":{"kms:CallerAccount":"333333333333"}}`), "because no resource-based policy allows the kms:Encrypt action"},
		{others("Allow", `{"IpAddress":{"aws:SourceIp":["127.0.0.0/8","::1"]}}`), ""},
		{others("Allow", "{}") + "," + others("Deny", `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::`+stranger+`:root"}}`), "with an explicit deny in a resource-based policy"},
		{others("Allow", "{}") + "," + others("Deny", `{"StringEquals":{"aws:ResourceTag/team":"mill"}}`), ""},
		{others("Allow", "{}") + "," + others("Deny", `{"StringNotEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}}`), ""},
	} {
		put(`{"Version":"2012-10-17","Statement":[` + own + "," + c.statements + `]}`)
		err := encrypt(b.other, *k.Arn)
		if c.why == "" {
			if err != nil {
				t.Errorf("%s: %v", c.statements, err)
			}
			continue
		}
		refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+stranger+":root is not authorized to perform: kms:Encrypt on resource: "+*k.Arn+" "+c.why)
	}
	_, err = b.other.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: k.Arn})
	refused(t, err, "AccessDeniedException", "User: arn:aws:iam::"+stranger+":root is not authorized to perform: kms:ScheduleKeyDeletion on resource: "+*k.Arn+" because no resource-based policy allows the kms:ScheduleKeyDeletion action")

	_, err = b.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: aws.String(strings.ReplaceAll(*standard.Policy, account, stranger))})
	refused(t, err, "MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.")
	_, err = b.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: k.KeyId, Policy: standard.Policy, PolicyName: aws.String("mine")})
	refused(t, err, "ValidationException", "The only valid policy name is default")
	_, err = b.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: k.KeyId, PolicyName: aws.String("mine")})
	refused(t, err, "NotFoundException", "No such policy exists")

	// The key that AWS manages can be looked at, and no more.
	managed := must(b.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("alias/aws/sqs")}))(t).KeyMetadata
	if got := must(b.GetKeyPolicy(ctx, &sdk.GetKeyPolicyInput{KeyId: managed.KeyId}))(t); !strings.Contains(*got.Policy, `"kms:ViaService" : "sqs.`+region+`.amazonaws.com"`) {
		t.Errorf("AWS's policy is %s", *got.Policy)
	}
	refused(t, encrypt(b.Client, "alias/aws/sqs"), "AccessDeniedException", "User: arn:aws:iam::"+account+":root is not authorized to perform: kms:Encrypt on resource: "+*managed.Arn+" because no resource-based policy allows the kms:Encrypt action")
	for _, call := range []func() (any, error){
		func() (any, error) { return b.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: managed.KeyId}) },
		func() (any, error) {
			return b.ScheduleKeyDeletion(ctx, &sdk.ScheduleKeyDeletionInput{KeyId: managed.KeyId})
		},
		func() (any, error) {
			return b.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: managed.KeyId})
		},
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), "AccessDeniedException") {
			t.Errorf("AWS's key: %v", err)
		}
	}
}

func TestRotation(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	k := b.mustCreate(&sdk.CreateKeyInput{})
	status := func() *sdk.GetKeyRotationStatusOutput {
		t.Helper()
		return must(b.GetKeyRotationStatus(ctx, &sdk.GetKeyRotationStatusInput{KeyId: k.KeyId}))(t)
	}
	if s := status(); s.KeyRotationEnabled || s.NextRotationDate != nil || *s.KeyId != *k.Arn {
		t.Errorf("got %+v", s)
	}
	began := b.now
	mustOK(b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: k.KeyId, RotationPeriodInDays: aws.Int32(90)}))(t)
	if s := status(); !s.KeyRotationEnabled || *s.RotationPeriodInDays != 90 || !s.NextRotationDate.Equal(began.Add(90*day)) {
		t.Errorf("got %+v", s)
	}
	b.now = began.Add(100 * day)
	if s := status(); !s.NextRotationDate.Equal(began.Add(180 * day)) {
		t.Errorf("next on %v", s.NextRotationDate)
	}
	mustOK(b.DisableKeyRotation(ctx, &sdk.DisableKeyRotationInput{KeyId: k.KeyId}))(t)
	if s := status(); s.KeyRotationEnabled {
		t.Errorf("got %+v", s)
	}
	_, err := b.EnableKeyRotation(ctx, &sdk.EnableKeyRotationInput{KeyId: k.KeyId, RotationPeriodInDays: aws.Int32(89)})
	refused(t, err, "ValidationException", "1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 90")
}

func TestTags(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	tag := func(k, v string) types.Tag { return types.Tag{TagKey: &k, TagValue: &v} }
	k := b.mustCreate(&sdk.CreateKeyInput{Tags: []types.Tag{tag("b", "1"), tag("a", "2")}})
	mustOK(b.TagResource(ctx, &sdk.TagResourceInput{KeyId: k.KeyId, Tags: []types.Tag{tag("c", "3"), tag("a", "4")}}))(t)
	mustOK(b.UntagResource(ctx, &sdk.UntagResourceInput{KeyId: k.KeyId, TagKeys: []string{"b", "none"}}))(t)
	list := func() (all []string) {
		t.Helper()
		for pages := sdk.NewListResourceTagsPaginator(b, &sdk.ListResourceTagsInput{KeyId: k.KeyId, Limit: aws.Int32(1)}); pages.HasMorePages(); {
			for _, t := range must(pages.NextPage(ctx))(t).Tags {
				all = append(all, *t.TagKey+"="+*t.TagValue)
			}
		}
		return all
	}
	if got := fmt.Sprint(list()); got != "[a=4 c=3]" {
		t.Errorf("got %s", got)
	}
	more := make([]types.Tag, 49)
	for i := range more {
		more[i] = tag(fmt.Sprintf("more%d", i), "")
	}
	_, err := b.TagResource(ctx, &sdk.TagResourceInput{KeyId: k.KeyId, Tags: more})
	refused(t, err, "LimitExceededException", "Too many tags")
	_, err = b.TagResource(ctx, &sdk.TagResourceInput{KeyId: k.KeyId, Tags: []types.Tag{tag("AWS:x", "")}})
	refused(t, err, "TagException", "aws: prefixed tag key names are not allowed for external use.")
	if got := fmt.Sprint(list()); got != "[a=4 c=3]" {
		t.Errorf("refused, and yet %s", got)
	}
}
