package conformance

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"millrace/test/testenv"
)

// bucket makes a bucket, and a client of it.
func bucket(t *testing.T, env *testenv.Env) *s3.Client {
	t.Helper()
	client := s3.NewFromConfig(env.AWS, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("box")}); err != nil {
		t.Fatal(err)
	}
	return client
}

func putText(t *testing.T, client *s3.Client, key, text string) {
	t.Helper()
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("box"), Key: &key, Body: strings.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
}

func getText(t *testing.T, client *s3.Client, key string) string {
	t.Helper()
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: new("box"), Key: &key})
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return string(text)
}

// Objects, short and long and in parts, are there after a restart, and in no file of the
// data folder in the clear.
func TestObjectsOutliveRestarts(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("content in plain sight ", 10_000)
	part := strings.Repeat("a part in plain sight ", 300_000)
	t.Run("before", func(t *testing.T) {
		client := bucket(t, testenv.Start(t, testenv.WithData(dir)))
		putText(t, client, "short", "content in plain sight")
		putText(t, client, "long", long)
		created, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: new("box"), Key: new("parts")})
		if err != nil {
			t.Fatal(err)
		}
		var parts []types.CompletedPart
		for n := range int32(2) {
			out, err := client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: new("box"), Key: new("parts"), UploadId: created.UploadId, PartNumber: new(n + 1), Body: strings.NewReader(part)})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, types.CompletedPart{PartNumber: new(n + 1), ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32})
		}
		_, err = client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: new("box"), Key: new("parts"), UploadId: created.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		if err != nil {
			t.Fatal(err)
		}
	})
	if where := filesWith(t, dir, "in plain sight"); len(where) > 0 {
		t.Errorf("contents are in %v", where)
	}
	env := testenv.Start(t, testenv.WithData(dir))
	client := s3.NewFromConfig(env.AWS, func(o *s3.Options) { o.UsePathStyle = true })
	for key, want := range map[string]string{"short": "content in plain sight", "long": long, "parts": part + part} {
		if got := getText(t, client, key); got != want {
			t.Errorf("%s: %d bytes, want %d", key, len(got), len(want))
		}
	}
}

// Keys that STS has lent are verified, and a presigned URL is good until its end.
func TestPresignedURLsOfSessions(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		putText(t, bucket(t, env), "k", "hello")
		lent, err := sts.NewFromConfig(env.AWS).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
		if err != nil {
			t.Fatal(err)
		}
		presign := func(secret string) (method, url string) {
			client := s3.NewFromConfig(env.AWS, func(o *s3.Options) {
				o.UsePathStyle = true
				o.Credentials = credentials.NewStaticCredentialsProvider(*lent.Credentials.AccessKeyId, secret, *lent.Credentials.SessionToken)
			})
			r, err := s3.NewPresignClient(client).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: new("box"), Key: new("k")}, s3.WithPresignExpires(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			return r.Method, r.URL
		}
		follow := func(method, url string) (int, string) {
			req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := env.AWS.HTTPClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var body bytes.Buffer
			if _, err := body.ReadFrom(res.Body); err != nil {
				t.Fatal(err)
			}
			return res.StatusCode, body.String()
		}
		method, url := presign(*lent.Credentials.SecretAccessKey)
		if code, text := follow(method, url); code != 200 || text != "hello" {
			t.Errorf("the URL: %d %s", code, text)
		}
		if code, text := follow("DELETE", url); code != 403 || !strings.Contains(text, "SignatureDoesNotMatch") {
			t.Errorf("for another method: %d %s", code, text)
		}
		if code, text := follow(presign("another")); code != 403 || !strings.Contains(text, "SignatureDoesNotMatch") {
			t.Errorf("with another secret: %d %s", code, text)
		}
		time.Sleep(time.Hour - time.Second)
		if code, text := follow(method, url); code != 200 {
			t.Errorf("just before its end: %d %s", code, text)
		}
		time.Sleep(2 * time.Second)
		if code, text := follow(method, url); code != 403 || !strings.Contains(text, "Request has expired") {
			t.Errorf("after its end: %d %s", code, text)
		}
	})
}
