package s3_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"millrace/runtime/fault"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// Lambda reads the code of functions for its caller.
func TestReadObject(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("code")
	b.create("code")
	must(b.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))(t)
	put := func(key, content string) string {
		t.Helper()
		return *must(b.PutObject(ctx, &sdk.PutObjectInput{Bucket: name, Key: &key, Body: strings.NewReader(content)}))(t).VersionId
	}
	first := put("k", "first")
	put("k", "second")
	put("long", strings.Repeat("x", 100_000))
	as := func(account, region string) context.Context {
		return identity.With(ctx, &identity.Caller{Account: account, Region: region, AccessKey: account})
	}
	for _, c := range []struct {
		rule                  string
		ctx                   context.Context
		bucket, key, version  string
		content, code, reason string
	}{
		{"the latest", as(account, region), "code", "k", "", "second", "", ""},
		{"a version", as(account, region), "code", "k", first, "first", "", ""},
		{"a long one", as(account, region), "code", "long", "", strings.Repeat("x", 100_000), "", ""},
		{"no bucket", as(account, region), "none", "k", "", "", "NoSuchBucket", "The specified bucket does not exist"},
		{"no key", as(account, region), "code", "none", "", "", "NoSuchKey", "The specified key does not exist."},
		{"another account", as(stranger, region), "code", "k", "", "", "AccessDenied", "Access Denied"},
		{"another region", as(account, "eu-west-1"), "code", "k", "", "", "PermanentRedirect",
			"The bucket is in this region: us-east-1. Please use this region to retry the request"},
	} {
		got, err := b.service.ReadObject(c.ctx, c.bucket, c.key, c.version, 100_000)
		e, _ := errors.AsType[*wire.Error](err)
		if c.code == "" && (err != nil || string(got) != c.content) {
			t.Errorf("%s: got %d bytes, %v", c.rule, len(got), err)
		}
		if c.code != "" && (e == nil || e.Code != c.code || e.Message != c.reason) {
			t.Errorf("%s: got %v", c.rule, err)
		}
	}
	if _, err := b.service.ReadObject(as(account, region), "code", "long", "", 99_999); fault.Of(err) != fault.TooLarge {
		t.Errorf("too long: %v", err)
	}
}
