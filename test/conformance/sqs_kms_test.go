package conformance

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/test/testenv"
)

// wantKMS checks the code of an error and that its text names the key.
func wantKMS(t *testing.T, rule string, err error, code, named string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %s", rule, code)
		return
	}
	if text := err.Error(); !strings.Contains(text, code+": ") || !strings.Contains(text, named) {
		t.Errorf("%s: got %v, want %s with %s", rule, err, code, named)
	}
}

// A queue whose KMS key does not work takes and gives no messages, and says why;
// when the key works again, everything is there.
func TestSQSKeysThatDoNotWork(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ctx, sdk := t.Context(), kms.NewFromConfig(env.AWS)
		key, err := sdk.CreateKey(ctx, &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		id := *key.KeyMetadata.KeyId
		mac, err := sdk.CreateKey(ctx, &kms.CreateKeyInput{KeyUsage: "GENERATE_VERIFY_MAC", KeySpec: "HMAC_256"})
		if err != nil {
			t.Fatal(err)
		}
		q := create(t, env, "q", map[string]string{"KmsMasterKeyId": id, "KmsDataKeyReusePeriodSeconds": "60"})
		wantEqual(t, "managed encryption", q.attributes()["SqsManagedSseEnabled"], "false")
		q.send("kept")

		_, err = sdk.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &id})
		q.must(err)
		time.Sleep(61 * time.Second) // the data key may be used again for so long
		_, receive := q.sdk.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q.url})
		for rule, err := range map[string]error{"sending": q.trySend("x"), "receiving": receive} {
			wantKMS(t, rule+" with a disabled key", err, "KMS.DisabledException", id)
		}
		_, err = sdk.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &id, PendingWindowInDays: aws.Int32(7)})
		q.must(err)
		wantKMS(t, "with a key that is to be deleted", q.trySend("x"), "KMS.InvalidStateException", id)
		_, err = sdk.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &id})
		q.must(err)
		_, err = sdk.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &id})
		q.must(err)
		wantEqual(t, "what is there with the key again", q.bodies(), "kept")
		q.must(q.trySend("more"))

		q.set("KmsMasterKeyId", "alias/none")
		wantKMS(t, "with an alias of nothing", q.trySend("x"), "KMS.NotFoundException", "alias/none")
		q.set("KmsMasterKeyId", *mac.KeyMetadata.KeyId)
		wantKMS(t, "with a key for message authentication", q.trySend("x"), "KMS.InvalidKeyUsageException", *mac.KeyMetadata.KeyId)
		q.set("KmsMasterKeyId", "alias/aws/sqs")
		q.must(q.trySend("by AWS's own key"))
		wantEqual(t, "what is received", q.bodies(), "more by AWS's own key")
	})
}
