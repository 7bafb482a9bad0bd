package secretsmanager_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// Every operation on a secret that waits for its deletion.
func TestRecoveryWindow(t *testing.T) {
	b := start(t)
	ctx, id := t.Context(), aws.String("mill")
	arn := *b.create("mill").ARN
	b.create("other")
	out := must(b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: id}))(t)
	if *out.ARN != arn || *out.Name != "mill" || !out.DeletionDate.Equal(b.now.Add(30*day)) {
		t.Errorf("deleted: %+v", out)
	}
	policy := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"secretsmanager:RotateSecret","Resource":"*"}]}`)
	for what, call := range map[string]func() error{
		"GetSecretValue": func() error { _, err := b.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: id}); return err },
		"PutSecretValue": func() error {
			_, err := b.PutSecretValue(ctx, &sdk.PutSecretValueInput{SecretId: id, SecretString: aws.String("x")})
			return err
		},
		"UpdateSecret": func() error { _, err := b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: id}); return err },
		"UpdateSecret with a key": func() error {
			_, err := b.UpdateSecret(ctx, &sdk.UpdateSecretInput{SecretId: id, KmsKeyId: aws.String("")})
			return err
		},
		"UpdateSecretVersionStage": func() error {
			_, err := b.UpdateSecretVersionStage(ctx, &sdk.UpdateSecretVersionStageInput{SecretId: id, VersionStage: aws.String("x"), MoveToVersionId: tok(1)})
			return err
		},
		"DeleteSecret": func() error { _, err := b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: id}); return err },
		"TagResource": func() error {
			_, err := b.TagResource(ctx, &sdk.TagResourceInput{SecretId: id, Tags: []types.Tag{{Key: id, Value: id}}})
			return err
		},
		"UntagResource": func() error {
			_, err := b.UntagResource(ctx, &sdk.UntagResourceInput{SecretId: id, TagKeys: []string{"x"}})
			return err
		},
		"PutResourcePolicy": func() error {
			_, err := b.PutResourcePolicy(ctx, &sdk.PutResourcePolicyInput{SecretId: id, ResourcePolicy: policy})
			return err
		},
		"GetResourcePolicy": func() error {
			_, err := b.GetResourcePolicy(ctx, &sdk.GetResourcePolicyInput{SecretId: id})
			return err
		},
		"DeleteResourcePolicy": func() error {
			_, err := b.DeleteResourcePolicy(ctx, &sdk.DeleteResourcePolicyInput{SecretId: id})
			return err
		},
		"RotateSecret": func() error { _, err := b.RotateSecret(ctx, &sdk.RotateSecretInput{SecretId: id}); return err },
	} {
		refused(t, what, call(), "InvalidRequestException", deleting)
	}
	_, err := b.CreateSecret(ctx, &sdk.CreateSecretInput{Name: id})
	refused(t, "CreateSecret", err, "InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")

	if d := must(b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: id}))(t); !d.DeletedDate.Equal(*out.DeletionDate) || len(d.VersionIdsToStages) != 1 {
		t.Errorf("described: %+v", d)
	}
	if l := must(b.ListSecretVersionIds(ctx, &sdk.ListSecretVersionIdsInput{SecretId: id}))(t); len(l.Versions) != 1 {
		t.Errorf("versions: %+v", l)
	}
	if got := b.names(&sdk.ListSecretsInput{}); got != "other" {
		t.Errorf("listed %s", got)
	}
	if got := b.names(&sdk.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)}); got != "mill other" {
		t.Errorf("listed with planned deletions %s", got)
	}
	batch := must(b.BatchGetSecretValue(ctx, &sdk.BatchGetSecretValueInput{SecretIdList: []string{"mill", "other", "none", "a b"}}))(t)
	var codes []string
	for _, e := range batch.Errors {
		codes = append(codes, *e.SecretId+" "+*e.ErrorCode+" "+*e.Message)
	}
	want := []string{"mill InvalidRequestException " + deleting, "none ResourceNotFoundException " + notFound, "a b ValidationException " + badName}
	if len(batch.SecretValues) != 1 || *batch.SecretValues[0].SecretString != "grain" || *batch.SecretValues[0].Name != "other" || !slices.Equal(codes, want) {
		t.Errorf("batch: %+v, %q", batch.SecretValues, codes)
	}

	b.now = b.now.Add(30*day - time.Second)
	must(b.RestoreSecret(ctx, &sdk.RestoreSecretInput{SecretId: id}))(t)
	must(b.RestoreSecret(ctx, &sdk.RestoreSecretInput{SecretId: id}))(t)
	if got, err := b.get(arn); err != nil || got != "grain" {
		t.Errorf("restored: %v", err)
	}
	must(b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7)}))(t)
	b.now = b.now.Add(7 * day)
	_, err = b.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: id})
	refused(t, "after the window", err, "ResourceNotFoundException", notFound)
	if *b.create("mill").ARN == arn {
		t.Error("the ARN of the deleted one")
	}

	// Force, in the window and on nothing.
	must(b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: id}))(t)
	force := func(id string) *sdk.DeleteSecretOutput {
		return must(b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: &id, ForceDeleteWithoutRecovery: aws.Bool(true)}))(t)
	}
	if out := force("mill"); !out.DeletionDate.Equal(b.now) {
		t.Errorf("forced: %+v", out)
	}
	if out := force("mill"); !strings.HasPrefix(*out.ARN, prefix+"mill-") || *out.Name != "mill" || out.DeletionDate == nil {
		t.Errorf("forced on nothing: %+v", out)
	}
	b.create("mill")
	for _, days := range []int64{6, 31, 0, -1} {
		_, err := b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: &days})
		refused(t, "window", err, "InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	_, err = b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7), ForceDeleteWithoutRecovery: aws.Bool(true)})
	refused(t, "both", err, "InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	_, err = b.DeleteSecret(ctx, &sdk.DeleteSecretInput{SecretId: aws.String("none")})
	refused(t, "nothing", err, "ResourceNotFoundException", notFound)
}

// names are those of the secrets that a list shows, over all its pages.
func (b *bench) names(in *sdk.ListSecretsInput) string {
	b.t.Helper()
	var all []string
	for pages := sdk.NewListSecretsPaginator(b, in); pages.HasMorePages(); {
		for _, s := range must(pages.NextPage(b.t.Context()))(b.t).SecretList {
			all = append(all, *s.Name)
		}
	}
	return strings.Join(all, " ")
}
