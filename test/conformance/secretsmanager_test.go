package conformance

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"millrace/test/testenv"
)

// TestSecretOfAnApplication does what an application and its deployment do with a secret:
// a generated password, a rotation by hand, a key that goes away, and a deletion that is
// regretted, once in time and once too late.
func TestSecretOfAnApplication(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := t.Context()
		client := secretsmanager.NewFromConfig(env.AWS, func(o *secretsmanager.Options) { o.RetryMaxAttempts = 1 })
		master := kms.NewFromConfig(env.AWS)
		key, err := master.CreateKey(ctx, &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		password, err := client.GetRandomPassword(ctx, &secretsmanager.GetRandomPasswordInput{ExcludePunctuation: aws.Bool(true)})
		if err != nil || len(*password.RandomPassword) != 32 {
			t.Fatalf("password: %v", err)
		}
		id := aws.String("prod/mill/database")
		made, err := client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: id, SecretString: password.RandomPassword, KmsKeyId: key.KeyMetadata.Arn})
		if err != nil {
			t.Fatal(err)
		}
		read := func(version *string, want string) {
			t.Helper()
			out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: made.ARN, VersionId: version})
			if err != nil || *out.SecretString != want {
				t.Errorf("read: %v", err)
			}
		}
		read(made.VersionId, *password.RandomPassword)

		// A new password waits as AWSPENDING until the database knows it.
		put, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: aws.String("next"), VersionStages: []string{"AWSPENDING"}})
		if err != nil {
			t.Fatal(err)
		}
		read(nil, *password.RandomPassword)
		_, err = client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: id, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: put.VersionId, RemoveFromVersionId: made.VersionId,
		})
		if err != nil {
			t.Fatal(err)
		}
		read(nil, "next")

		if _, err := master.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
			t.Fatal(err)
		}
		_, err = client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: id})
		if locked := (*types.DecryptionFailure)(nil); !errors.As(err, &locked) {
			t.Errorf("read under a disabled key: %v", err)
		}
		_, err = client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: id, SecretString: aws.String("x")})
		if locked := (*types.EncryptionFailure)(nil); !errors.As(err, &locked) {
			t.Errorf("written under a disabled key: %v", err)
		}
		if _, err := master.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
			t.Fatal(err)
		}

		remove := func() {
			t.Helper()
			if _, err := client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7)}); err != nil {
				t.Fatal(err)
			}
		}
		remove()
		time.Sleep(7*24*time.Hour - time.Second)
		if _, err := client.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: id}); err != nil {
			t.Fatalf("in time: %v", err)
		}
		read(nil, "next")
		remove()
		time.Sleep(7 * 24 * time.Hour)
		_, err = client.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: id})
		if gone := (*types.ResourceNotFoundException)(nil); !errors.As(err, &gone) {
			t.Errorf("too late: %v", err)
		}
		if again, err := client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: id}); err != nil || *again.ARN == *made.ARN {
			t.Errorf("the name is not free: %v", err)
		}
	})
}
