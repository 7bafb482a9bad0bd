package conformance

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"millrace/test/testenv"
)

// A sealedQueue is a queue under a KMS key, and who speaks to it.
type sealedQueue struct {
	*sqs.Client
	url *string
	t   *testing.T
}

func newSealedQueue(t *testing.T, env *testenv.Env, name, key string) sealedQueue {
	t.Helper()
	client := sqs.NewFromConfig(env.AWS, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{
		"KmsMasterKeyId": key, "KmsDataKeyReusePeriodSeconds": "60", "VisibilityTimeout": "0",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return sealedQueue{client, out.QueueUrl, t}
}

func (q sealedQueue) send() error {
	_, err := q.SendMessage(q.t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: aws.String("grain")})
	return err
}

// receive counts the messages that come, and checks that they can be read.
func (q sealedQueue) receive() (int, error) {
	out, err := q.ReceiveMessage(q.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: q.url, MaxNumberOfMessages: 10})
	if err != nil {
		return 0, err
	}
	for _, m := range out.Messages {
		if *m.Body != "grain" {
			q.t.Errorf("received %q", *m.Body)
		}
	}
	return len(out.Messages), nil
}

// refusal fails the test unless err is one of SQS's KMS errors, with that text.
func refusal[E interface {
	smithy.APIError
	error
}](t *testing.T, what string, err error, text string) {
	t.Helper()
	var e E
	if !errors.As(err, &e) || e.ErrorMessage() != text {
		t.Errorf("%s: %v, want %T: %s", what, err, e, text)
	}
}

// TestKeyOfAQueue takes the key of a queue away, and gives it back. What SQS
// knows of the key it may use for the reuse period.
func TestKeyOfAQueue(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := t.Context()
		master := kms.NewFromConfig(env.AWS)
		key, err := master.CreateKey(ctx, &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		id, arn := key.KeyMetadata.KeyId, *key.KeyMetadata.Arn
		if _, err := master.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/mill"), TargetKeyId: id}); err != nil {
			t.Fatal(err)
		}
		q := newSealedQueue(t, env, "sealed", "alias/mill")
		if err := q.send(); err != nil {
			t.Fatal(err)
		}

		if _, err := master.DisableKey(ctx, &kms.DisableKeyInput{KeyId: id}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		if n, err := q.receive(); err != nil || n != 1 {
			t.Errorf("disabled within the reuse period: %d messages, %v", n, err)
		}
		if err := q.send(); err != nil {
			t.Errorf("disabled within the reuse period: %v", err)
		}
		time.Sleep(61 * time.Second)
		refusal[*types.KmsDisabled](t, "sending", q.send(), arn+" is disabled.")
		_, err = q.receive()
		refusal[*types.KmsDisabled](t, "receiving", err, arn+" is disabled.")

		if _, err := master.EnableKey(ctx, &kms.EnableKeyInput{KeyId: id}); err != nil {
			t.Fatal(err)
		}
		if n, err := q.receive(); err != nil || n != 2 {
			t.Errorf("enabled again: %d messages, %v", n, err)
		}

		if _, err := master.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: aws.Int32(7)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		refusal[*types.KmsInvalidState](t, "sending", q.send(), arn+" is pending deletion.")
		_, err = q.receive()
		refusal[*types.KmsInvalidState](t, "receiving", err, arn+" is pending deletion.")
	})
}

// TestKeysThatQueuesCannotUse names keys that are not there, or not for encryption.
func TestKeysThatQueuesCannotUse(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx := context.Background()
		master := kms.NewFromConfig(env.AWS)
		refusal[*types.KmsNotFound](t, "no such alias", newSealedQueue(t, env, "none", "alias/none").send(), "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found.")
		mac, err := master.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: kmstypes.KeySpecHmac256, KeyUsage: kmstypes.KeyUsageTypeGenerateVerifyMac})
		if err != nil {
			t.Fatal(err)
		}
		refusal[*types.KmsInvalidKeyUsage](t, "a key for HMACs", newSealedQueue(t, env, "mac", *mac.KeyMetadata.KeyId).send(),
			*mac.KeyMetadata.Arn+" key usage is GENERATE_VERIFY_MAC which is not valid for GenerateDataKey.")

		other := env.AWS.Copy()
		other.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "222222222222", SecretAccessKey: "test"}, nil
		})
		foreign, err := kms.NewFromConfig(other).CreateKey(ctx, &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		refusal[*types.KmsAccessDenied](t, "another account's key", newSealedQueue(t, env, "foreign", *foreign.KeyMetadata.Arn).send(),
			"User: arn:aws:iam::000000000000:root is not authorized to perform: kms:GenerateDataKey on resource: "+*foreign.KeyMetadata.Arn+" because no resource-based policy allows the kms:GenerateDataKey action")

		// AWS makes its own key when a queue first needs it.
		q := newSealedQueue(t, env, "managed", "alias/aws/sqs")
		if err := q.send(); err != nil {
			t.Fatal(err)
		}
		if n, err := q.receive(); err != nil || n != 1 {
			t.Errorf("under AWS's key: %d messages, %v", n, err)
		}
		keys, err := master.ListAliases(ctx, &kms.ListAliasesInput{})
		if err != nil || !slices.ContainsFunc(keys.Aliases, func(a kmstypes.AliasListEntry) bool {
			return *a.AliasName == "alias/aws/sqs" && a.TargetKeyId != nil
		}) {
			t.Errorf("aliases %v, %v", keys, err)
		}
	})
}
