package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const badXML = "MalformedXML: The XML you provided was not well-formed or did not validate against our published schema"

func TestBucketVersioning(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	name := aws.String("versions")
	b.create("versions")
	for _, c := range []struct {
		rule   string
		conf   types.VersioningConfiguration
		mfa    *string
		status int
		want   string
	}{
		{"no status", types.VersioningConfiguration{}, nil, 400, "IllegalVersioningConfigurationException: The Versioning element must be specified"},
		{"another status", types.VersioningConfiguration{Status: "On"}, nil, 400, badXML},
		{"a device without its code", types.VersioningConfiguration{Status: "Enabled", MFADelete: "Enabled"}, nil, 403, "AccessDenied: Mfa Authentication must be used for this request"},
		{"a device", types.VersioningConfiguration{Status: "Enabled", MFADelete: "Enabled"}, aws.String("serial 123456"), 501,
			"NotImplemented: A header you provided implies functionality that is not implemented"},
	} {
		_, err := b.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &c.conf, MFA: c.mfa})
		wants(t, c.rule, err, c.status, c.want)
	}
	if got := must(b.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: name}))(t); got.Status != "" {
		t.Errorf("after what was refused: %s", got.Status)
	}
	for _, status := range []types.BucketVersioningStatus{"Enabled", "Suspended", "Enabled"} {
		must(b.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: status, MFADelete: "Disabled"}}))(t)
		if got := must(b.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: name}))(t); got.Status != status {
			t.Errorf("got %s, want %s", got.Status, status)
		}
	}
}

func TestBucketTagging(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("tags")
	b.create("tags")
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	put := func(tags ...types.Tag) error {
		_, err := b.PutBucketTagging(ctx, &sdk.PutBucketTaggingInput{Bucket: name, Tagging: &types.Tagging{TagSet: tags}})
		return err
	}
	get := func() error {
		_, err := b.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: name})
		return err
	}
	const none = "NoSuchTagSet: The TagSet does not exist"
	wants(t, "a new bucket", get(), 404, none)
	many := func(n int) (tags []types.Tag) {
		for i := range n {
			tags = append(tags, tag(strings.Repeat("k", i+1), ""))
		}
		return tags
	}
	for _, c := range []struct {
		rule string
		tags []types.Tag
		want string
	}{
		{"50", many(50), ""},
		{"51", many(51), "BadRequest: Bucket tag count cannot be greater than 50"},
		{"long", []types.Tag{tag(strings.Repeat("ü", 128), strings.Repeat("ü", 256))}, ""},
		{"any letters", []types.Tag{tag("a b+-=._:/@", "日本 1")}, ""},
		{"no key", []types.Tag{tag("", "")}, "InvalidTag: The TagKey you have provided is invalid"},
		{"key too long", []types.Tag{tag(strings.Repeat("k", 129), "")}, "InvalidTag: The TagKey you have provided is invalid"},
		{"value too long", []types.Tag{tag("k", strings.Repeat("v", 257))}, "InvalidTag: The TagValue you have provided is invalid"},
		{"a sign that no tag has", []types.Tag{tag("a&b", "")}, "InvalidTag: The TagKey you have provided is invalid"},
		{"twice", []types.Tag{tag("a", "1"), tag("a", "1")}, "InvalidTag: Cannot provide multiple Tags with the same key"},
		{"of AWS", []types.Tag{tag("AWS:a", "1")}, "InvalidTag: System tags cannot be added/updated by requester"},
	} {
		wants(t, c.rule, put(c.tags...), 400, c.want)
	}
	wants(t, "what is there", put(tag("b", "2"), tag("a", "1")), 0, "")
	got := must(b.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: name}))(t).TagSet
	if len(got) != 2 || *got[0].Key != "a" || *got[0].Value != "1" || *got[1].Key != "b" {
		t.Errorf("got %+v", got)
	}
	for range 2 {
		must(b.DeleteBucketTagging(ctx, &sdk.DeleteBucketTaggingInput{Bucket: name}))(t)
		wants(t, "after the deletion", get(), 404, none)
	}
}

func TestPublicAccessBlock(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("block")
	b.create("block")
	must(b.PutPublicAccessBlock(ctx, &sdk.PutPublicAccessBlockInput{Bucket: name, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
	}}))(t)
	got := must(b.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: name}))(t).PublicAccessBlockConfiguration
	if !*got.BlockPublicAcls || *got.BlockPublicPolicy || *got.IgnorePublicAcls || !*got.RestrictPublicBuckets {
		t.Errorf("got %+v", got)
	}
	for range 2 {
		must(b.DeletePublicAccessBlock(ctx, &sdk.DeletePublicAccessBlockInput{Bucket: name}))(t)
		_, err := b.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: name})
		wants(t, "after the deletion", err, 404, "NoSuchPublicAccessBlockConfiguration: The public access block configuration was not found")
	}
}

func TestOwnershipControls(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("owned")
	b.create("owned")
	put := func(rules ...types.OwnershipControlsRule) error {
		rules = append([]types.OwnershipControlsRule{}, rules...)
		_, err := b.PutBucketOwnershipControls(ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: name, OwnershipControls: &types.OwnershipControls{Rules: rules}})
		return err
	}
	rule := types.OwnershipControlsRule{ObjectOwnership: "ObjectWriter"}
	wants(t, "no rule", put(), 400, badXML)
	wants(t, "two rules", put(rule, rule), 400, badXML)
	wants(t, "no such ownership", put(types.OwnershipControlsRule{ObjectOwnership: "Nobody"}), 400, badXML)
	wants(t, "a rule", put(rule), 0, "")
	got := must(b.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: name}))(t).OwnershipControls.Rules
	if len(got) != 1 || got[0] != rule {
		t.Errorf("got %+v", got)
	}
	for range 2 {
		must(b.DeleteBucketOwnershipControls(ctx, &sdk.DeleteBucketOwnershipControlsInput{Bucket: name}))(t)
		_, err := b.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: name})
		wants(t, "after the deletion", err, 404, "OwnershipControlsNotFoundError: The bucket ownership controls were not found")
	}
}

func TestBucketEncryption(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("sealed")
	b.create("sealed")
	byDefault := func(algorithm, key string) types.ServerSideEncryptionRule {
		d := &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryption(algorithm)}
		if key != "" {
			d.KMSMasterKeyID = &key
		}
		return types.ServerSideEncryptionRule{ApplyServerSideEncryptionByDefault: d}
	}
	blocking := func(r types.ServerSideEncryptionRule, what types.EncryptionType) types.ServerSideEncryptionRule {
		r.BlockedEncryptionTypes = &types.BlockedEncryptionTypes{EncryptionType: []types.EncryptionType{what}}
		return r
	}
	show := func() string {
		t.Helper()
		text := ""
		for _, r := range must(b.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: name}))(t).ServerSideEncryptionConfiguration.Rules {
			text += string(r.ApplyServerSideEncryptionByDefault.SSEAlgorithm) + " " + aws.ToString(r.ApplyServerSideEncryptionByDefault.KMSMasterKeyID)
			if aws.ToBool(r.BucketKeyEnabled) {
				text += " bucket key"
			}
			if r.BlockedEncryptionTypes != nil {
				text += " without " + string(r.BlockedEncryptionTypes.EncryptionType[0])
			}
		}
		return text
	}
	withBucketKey := byDefault("aws:kms", "k")
	withBucketKey.BucketKeyEnabled = aws.Bool(true)
	for _, c := range []struct {
		rule  string
		rules []types.ServerSideEncryptionRule
		want  string
		show  string
	}{
		{"no rule", []types.ServerSideEncryptionRule{}, badXML, ""},
		{"two rules", []types.ServerSideEncryptionRule{byDefault("AES256", ""), byDefault("AES256", "")}, badXML, ""},
		{"an empty rule", []types.ServerSideEncryptionRule{{}}, badXML, ""},
		{"no such algorithm", []types.ServerSideEncryptionRule{byDefault("DES", "")}, badXML, ""},
		{"a key that is not asked for", []types.ServerSideEncryptionRule{byDefault("AES256", "k")},
			"InvalidArgument: a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse", ""},
		{"no such block", []types.ServerSideEncryptionRule{blocking(byDefault("AES256", ""), "SSE-S3")}, badXML, ""},
		{"a KMS key that need not exist", []types.ServerSideEncryptionRule{withBucketKey}, "", "aws:kms k bucket key without SSE-C"},
		{"an own key of clients", []types.ServerSideEncryptionRule{blocking(byDefault("AES256", ""), "NONE")}, "", "AES256 "},
		{"no word of it", []types.ServerSideEncryptionRule{byDefault("aws:kms:dsse", "")}, "", "aws:kms:dsse "},
		{"a block alone", []types.ServerSideEncryptionRule{blocking(types.ServerSideEncryptionRule{}, "SSE-C")}, "", "aws:kms:dsse  without SSE-C"},
	} {
		before := show()
		_, err := b.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: name, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: c.rules}})
		wants(t, c.rule, err, 400, c.want)
		if err != nil {
			c.show = before
		}
		if got := show(); got != c.show {
			t.Errorf("%s: shows %s, want %s", c.rule, got, c.show)
		}
	}
	must(b.DeleteBucketEncryption(ctx, &sdk.DeleteBucketEncryptionInput{Bucket: name}))(t)
	if got := show(); got != "" {
		t.Errorf("after the deletion: %s", got)
	}
}
