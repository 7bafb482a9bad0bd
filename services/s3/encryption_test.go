package s3_test

import (
	"crypto/md5"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// customer are the headers of a client's own key.
func customer(seed uint64) (algorithm, key, digest *string) {
	raw := noise(seed, 32)
	sum := md5.Sum(raw)
	return aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString(raw)), aws.String(base64.StdEncoding.EncodeToString(sum[:]))
}

func (b *bench) unblockSSEC(bucket string) {
	b.t.Helper()
	_, err := b.PutBucketEncryption(b.t.Context(), &sdk.PutBucketEncryptionInput{Bucket: &bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
		BlockedEncryptionTypes:             &types.BlockedEncryptionTypes{EncryptionType: []types.EncryptionType{"NONE"}},
	}}}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// A client's own keys: blocked until the bucket says otherwise, and needed for reading then.
func TestCustomerKeys(t *testing.T) {
	b := start(t)
	b.create("box")
	alg, key, sum := customer(1)
	_, key2, sum2 := customer(2)
	own := func(i *sdk.PutObjectInput) {
		i.SSECustomerAlgorithm, i.SSECustomerKey, i.SSECustomerKeyMD5 = alg, key, sum
	}
	_, err := b.tryPut("box", "k", "hello", own)
	wants(t, "a new bucket", err, 403, denied)
	b.unblockSSEC("box")
	long := string(noise(4, 100_000))
	for k, body := range map[string]string{"short": "hello", "long": long} {
		put := b.put("box", k, body, own)
		if str(put.SSECustomerKeyMD5) != *sum || put.ServerSideEncryption != "" {
			t.Errorf("put: %+v", put)
		}
		reading := func(k, s *string) func(*sdk.GetObjectInput) {
			return func(i *sdk.GetObjectInput) { i.SSECustomerAlgorithm, i.SSECustomerKey, i.SSECustomerKeyMD5 = alg, k, s }
		}
		if out, text := b.get("box", k, reading(key, sum)); text != body || str(out.SSECustomerAlgorithm) != "AES256" {
			t.Errorf("get: %d bytes, %+v", len(text), out)
		}
		_, _, err = b.tryGet("box", k)
		wants(t, "without the key", err, 400, "InvalidRequest: The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
		_, _, err = b.tryGet("box", k, reading(key2, sum2))
		wants(t, "with another key", err, 403, "AccessDenied: Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.")
		must(b.copies("box/"+k, "plain", func(i *sdk.CopyObjectInput) {
			i.CopySourceSSECustomerAlgorithm, i.CopySourceSSECustomerKey, i.CopySourceSSECustomerKeyMD5 = alg, key, sum
		}))(t)
		if _, text := b.get("box", "plain"); text != body {
			t.Errorf("the copy: %d bytes", len(text))
		}
	}
	_, _, err = b.tryGet("box", "plain", func(i *sdk.GetObjectInput) {
		i.SSECustomerAlgorithm, i.SSECustomerKey, i.SSECustomerKeyMD5 = alg, key, sum
	})
	wants(t, "a key for an object without one", err, 400, "InvalidRequest: The encryption parameters are not applicable to this object.")
	type in = sdk.PutObjectInput
	for _, c := range []struct {
		change func(*in)
		want   string
	}{
		{func(i *in) { i.SSECustomerKeyMD5 = sum2 }, "InvalidArgument: The calculated MD5 hash of the key did not match the hash that was provided."},
		{func(i *in) { i.SSECustomerKey = aws.String("eA==") }, "InvalidArgument: The secret key was invalid for the specified algorithm."},
		{func(i *in) { i.SSECustomerAlgorithm = nil }, "InvalidArgument: Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm."},
		{func(i *in) { i.SSECustomerAlgorithm = aws.String("DES") }, "InvalidEncryptionAlgorithmError: The Encryption request you specified is not valid. Supported value: AES256."},
		{func(i *in) { i.ServerSideEncryption = "AES256" }, "InvalidArgument: Server Side Encryption with Customer provided key is incompatible with the encryption method specified"},
	} {
		_, err := b.tryPut("box", "x", "x", own, c.change)
		wants(t, c.want, err, 400, c.want)
	}
	// Parts bring the key of their upload.
	id := b.begin("box", "parts", func(i *sdk.CreateMultipartUploadInput) {
		i.SSECustomerAlgorithm, i.SSECustomerKey, i.SSECustomerKeyMD5 = alg, key, sum
	})
	try := func(k, s *string) error {
		in := &sdk.UploadPartInput{Bucket: aws.String("box"), Key: aws.String("parts"), UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("part")}
		if k != nil {
			in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = alg, k, s
		}
		_, err := b.UploadPart(t.Context(), in)
		return err
	}
	wants(t, "a part without a key", try(nil, nil), 400, "InvalidRequest: The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
	wants(t, "a part with another key", try(key2, sum2), 400, "InvalidRequest: The provided encryption parameters did not match the ones used originally.")
	wants(t, "a part", try(key, sum), 0, "")
}

func TestKMSKeys(t *testing.T) {
	b := start(t)
	b.create("box")
	put := b.put("box", "k", "hello", func(i *sdk.PutObjectInput) { i.ServerSideEncryption = types.ServerSideEncryptionAwsKms })
	if put.ServerSideEncryption != types.ServerSideEncryptionAwsKms || !strings.HasPrefix(str(put.SSEKMSKeyId), "arn:aws:kms:us-east-1:"+account+":key/") {
		t.Errorf("put: %+v", put)
	}
	out, text := b.get("box", "k")
	if text != "hello" || str(out.SSEKMSKeyId) != str(put.SSEKMSKeyId) {
		t.Errorf("get: %s %+v", text, out)
	}
	must(b.PutBucketEncryption(t.Context(), &sdk.PutBucketEncryptionInput{Bucket: aws.String("box"), ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: put.SSEKMSKeyId}, BucketKeyEnabled: aws.Bool(true),
	}}}}))(t)
	if put := b.put("box", "d", "x"); put.ServerSideEncryption != types.ServerSideEncryptionAwsKms || str(put.SSEKMSKeyId) != str(out.SSEKMSKeyId) || !aws.ToBool(put.BucketKeyEnabled) {
		t.Errorf("by the bucket's rule: %+v", put)
	}
	if put := b.put("box", "d", "x", func(i *sdk.PutObjectInput) { i.ServerSideEncryption = "AES256" }); put.SSEKMSKeyId != nil || put.BucketKeyEnabled != nil {
		t.Errorf("against the bucket's rule: %+v", put)
	}
}
