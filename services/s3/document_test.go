package s3_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"millrace/runtime/object"
)

// asPut fails unless a document is read back as it was put.
func asPut(t *testing.T, rule string, put, got any) {
	t.Helper()
	if d := cmp.Diff(put, got, cmpopts.IgnoreUnexported(
		types.LifecycleRule{}, types.LifecycleExpiration{}, types.LifecycleRuleFilter{}, types.LifecycleRuleAndOperator{}, types.Tag{}, types.Transition{},
		types.IndexDocument{}, types.ErrorDocument{}, types.RoutingRule{}, types.Condition{}, types.Redirect{}, types.LoggingEnabled{},
		types.ReplicationConfiguration{}, types.ReplicationRule{}, types.Destination{}, types.ReplicationRuleFilter{}, types.DeleteMarkerReplication{},
	)); d != "" {
		t.Errorf("%s: -put +got:\n%s", rule, d)
	}
}

func TestBucketLifecycle(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("old")
	b.create("old")
	rule := func(change func(*types.LifecycleRule)) []types.LifecycleRule {
		r := types.LifecycleRule{ID: aws.String("id"), Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}}
		if change != nil {
			change(&r)
		}
		return []types.LifecycleRule{r}
	}
	put := func(rules []types.LifecycleRule) error {
		_, err := b.PutBucketLifecycleConfiguration(ctx, &sdk.PutBucketLifecycleConfigurationInput{Bucket: name, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}})
		return err
	}
	const none = "NoSuchLifecycleConfiguration: The lifecycle configuration does not exist"
	_, err := b.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: name})
	wants(t, "a new bucket", err, 404, none)
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	tags := []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("a"), Value: aws.String("2")}}
	for _, c := range []struct {
		rule  string
		rules []types.LifecycleRule
		want  string
	}{
		{"no rule", []types.LifecycleRule{}, badXML},
		{"no status", rule(func(r *types.LifecycleRule) { r.Status = "On" }), badXML},
		{"no filter", rule(func(r *types.LifecycleRule) { r.Filter = nil }), badXML},
		{"two conditions", rule(func(r *types.LifecycleRule) { r.Filter.ObjectSizeLessThan = aws.Int64(1) }), badXML},
		{"no action", rule(func(r *types.LifecycleRule) { r.Expiration = nil }), "InvalidRequest: At least one action needs to be specified in a rule"},
		{"two moments", rule(func(r *types.LifecycleRule) { r.Expiration.ExpiredObjectDeleteMarker = aws.Bool(true) }), badXML},
		{"noon", rule(func(r *types.LifecycleRule) { r.Expiration = &types.LifecycleExpiration{Date: &noon} }), "InvalidArgument: 'Date' must be at midnight GMT"},
		{"a tag twice", rule(func(r *types.LifecycleRule) {
			r.Filter = &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{Tags: tags}}
		}), "InvalidRequest: Duplicate Tag Keys are not allowed."},
		{"an id twice", append(rule(nil), rule(nil)...), "InvalidArgument: Rule ID must be unique. Found same ID for more than one rule"},
		{"right", rule(func(r *types.LifecycleRule) {
			r.Transitions = []types.Transition{{Days: aws.Int32(30), StorageClass: "GLACIER"}}
		}), ""},
	} {
		wants(t, c.rule, put(c.rules), 400, c.want)
		if c.want == "" {
			got := must(b.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: name}))(t)
			asPut(t, c.rule, c.rules, got.Rules)
			if got.TransitionDefaultMinimumObjectSize != "all_storage_classes_128K" {
				t.Errorf("minimum size %s", got.TransitionDefaultMinimumObjectSize)
			}
		}
	}
	unnamed := rule(nil)
	unnamed[0].ID = nil
	wants(t, "no id", put(unnamed), 0, "")
	if got := must(b.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: name}))(t); aws.ToString(got.Rules[0].ID) == "" {
		t.Error("a rule has no id")
	}
	_, err = b.PutBucketLifecycleConfiguration(ctx, &sdk.PutBucketLifecycleConfigurationInput{
		Bucket: name, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rule(nil)}, TransitionDefaultMinimumObjectSize: "tiny",
	})
	wants(t, "no such minimum", err, 400, "InvalidRequest: Invalid TransitionDefaultMinimumObjectSize found: tiny")
	must(b.DeleteBucketLifecycle(ctx, &sdk.DeleteBucketLifecycleInput{Bucket: name}))(t)
	_, err = b.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: name})
	wants(t, "after the deletion", err, 404, none)
}

func TestBucketWebsite(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("site")
	b.create("site")
	const none = "NoSuchWebsiteConfiguration: The specified bucket does not have a website configuration"
	_, err := b.GetBucketWebsite(ctx, &sdk.GetBucketWebsiteInput{Bucket: name})
	wants(t, "a new bucket", err, 404, none)
	index := &types.IndexDocument{Suffix: aws.String("index.html")}
	for _, c := range []struct {
		rule string
		conf types.WebsiteConfiguration
		want string
	}{
		{"nothing", types.WebsiteConfiguration{}, "InvalidArgument: A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"},
		{"a folder", types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("a/b")}}, "InvalidArgument: The IndexDocument Suffix is not well formed"},
		{"both", types.WebsiteConfiguration{IndexDocument: index, RedirectAllRequestsTo: &types.RedirectAllRequestsTo{HostName: aws.String("h")}},
			"InvalidRequest: RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."},
		{"another protocol", types.WebsiteConfiguration{RedirectAllRequestsTo: &types.RedirectAllRequestsTo{HostName: aws.String("h"), Protocol: "ftp"}},
			"InvalidRequest: Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically."},
		{"right", types.WebsiteConfiguration{IndexDocument: index, ErrorDocument: &types.ErrorDocument{Key: aws.String("e")}, RoutingRules: []types.RoutingRule{{
			Condition: &types.Condition{KeyPrefixEquals: aws.String("old/")}, Redirect: &types.Redirect{ReplaceKeyPrefixWith: aws.String("new/")},
		}}}, ""},
	} {
		_, err := b.PutBucketWebsite(ctx, &sdk.PutBucketWebsiteInput{Bucket: name, WebsiteConfiguration: &c.conf})
		wants(t, c.rule, err, 400, c.want)
		if c.want == "" {
			got := must(b.GetBucketWebsite(ctx, &sdk.GetBucketWebsiteInput{Bucket: name}))(t)
			asPut(t, c.rule, []any{c.conf.IndexDocument, c.conf.ErrorDocument, c.conf.RoutingRules}, []any{got.IndexDocument, got.ErrorDocument, got.RoutingRules})
		}
	}
	must(b.DeleteBucketWebsite(ctx, &sdk.DeleteBucketWebsiteInput{Bucket: name}))(t)
	_, err = b.GetBucketWebsite(ctx, &sdk.GetBucketWebsiteInput{Bucket: name})
	wants(t, "after the deletion", err, 404, none)
}

func TestBucketLogging(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("logged")
	b.create("logged", "logs")
	must(b.CreateBucket(ctx, in("far", "eu-west-1")))(t)
	must(b.other.CreateBucket(ctx, in("theirs", "")))(t)
	to := func(bucket string) *types.LoggingEnabled {
		return &types.LoggingEnabled{TargetBucket: &bucket, TargetPrefix: aws.String("p/")}
	}
	for _, c := range []struct {
		rule   string
		to     *types.LoggingEnabled
		status int
		want   string
	}{
		{"no bucket", to("none"), 400, "InvalidTargetBucketForLogging: The target bucket for logging does not exist"},
		{"another owner's", to("theirs"), 400, "InvalidTargetBucketForLogging: The owner for the bucket to be logged and the target bucket must be the same."},
		{"another region", to("far"), 403, "CrossLocationLoggingProhibitted: Cross S3 location logging not allowed. "},
		{"right", to("logs"), 0, ""},
		{"off", nil, 0, ""},
	} {
		_, err := b.PutBucketLogging(ctx, &sdk.PutBucketLoggingInput{Bucket: name, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: c.to}})
		wants(t, c.rule, err, c.status, c.want)
		if c.want == "" {
			asPut(t, c.rule, c.to, must(b.GetBucketLogging(ctx, &sdk.GetBucketLoggingInput{Bucket: name}))(t).LoggingEnabled)
		}
	}
}

func TestBucketAccelerationAndPayment(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("fast")
	b.create("fast", "with.dots")
	accelerate := func(name, status string) error {
		_, err := b.PutBucketAccelerateConfiguration(ctx, &sdk.PutBucketAccelerateConfigurationInput{Bucket: &name,
			AccelerateConfiguration: &types.AccelerateConfiguration{Status: types.BucketAccelerateStatus(status)}})
		return err
	}
	if got := must(b.GetBucketAccelerateConfiguration(ctx, &sdk.GetBucketAccelerateConfigurationInput{Bucket: name}))(t); got.Status != "" {
		t.Errorf("a new bucket: %s", got.Status)
	}
	wants(t, "no such status", accelerate("fast", "On"), 400, badXML)
	wants(t, "dots", accelerate("with.dots", "Enabled"), 400, "InvalidRequest: S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
	wants(t, "right", accelerate("fast", "Suspended"), 0, "")
	if got := must(b.GetBucketAccelerateConfiguration(ctx, &sdk.GetBucketAccelerateConfigurationInput{Bucket: name}))(t); got.Status != "Suspended" {
		t.Errorf("got %s", got.Status)
	}

	pay := func(payer types.Payer) error {
		_, err := b.PutBucketRequestPayment(ctx, &sdk.PutBucketRequestPaymentInput{Bucket: name, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: payer}})
		return err
	}
	payer := func() types.Payer {
		return must(b.GetBucketRequestPayment(ctx, &sdk.GetBucketRequestPaymentInput{Bucket: name}))(t).Payer
	}
	wants(t, "nobody pays", pay("Nobody"), 400, badXML)
	if got := payer(); got != "BucketOwner" {
		t.Errorf("a new bucket: %s", got)
	}
	wants(t, "the requester pays", pay("Requester"), 0, "")
	if got := payer(); got != "Requester" {
		t.Errorf("got %s", got)
	}
}

func TestBucketReplication(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("source")
	b.create("source", "target", "plain")
	enable := func(name string) {
		must(b.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(object.VersioningEnabled)}}))(t)
	}
	conf := func(to string) *types.ReplicationConfiguration {
		return &types.ReplicationConfiguration{Role: aws.String("arn:aws:iam::" + account + ":role/r"), Rules: []types.ReplicationRule{{
			ID: aws.String("id"), Status: "Enabled", Priority: aws.Int32(1), Filter: &types.ReplicationRuleFilter{Prefix: aws.String("")},
			DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: "Disabled"}, Destination: &types.Destination{Bucket: &to},
		}}}
	}
	put := func(to string) error {
		_, err := b.PutBucketReplication(ctx, &sdk.PutBucketReplicationInput{Bucket: name, ReplicationConfiguration: conf(to)})
		return err
	}
	const none = "ReplicationConfigurationNotFoundError: The replication configuration was not found"
	_, err := b.GetBucketReplication(ctx, &sdk.GetBucketReplicationInput{Bucket: name})
	wants(t, "a new bucket", err, 404, none)
	wants(t, "no versions", put("arn:aws:s3:::target"), 400, "InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a replication configuration")
	enable("source")
	enable("target")
	wants(t, "no bucket", put("arn:aws:s3:::none"), 400, "InvalidRequest: Destination bucket must exist.")
	wants(t, "no versions there", put("arn:aws:s3:::plain"), 400, "InvalidRequest: Destination bucket must have versioning enabled.")
	wants(t, "right", put("arn:aws:s3:::target"), 0, "")
	asPut(t, "right", conf("arn:aws:s3:::target"), must(b.GetBucketReplication(ctx, &sdk.GetBucketReplicationInput{Bucket: name}))(t).ReplicationConfiguration)
	must(b.DeleteBucketReplication(ctx, &sdk.DeleteBucketReplicationInput{Bucket: name}))(t)
	_, err = b.GetBucketReplication(ctx, &sdk.GetBucketReplicationInput{Bucket: name})
	wants(t, "after the deletion", err, 404, none)
}
