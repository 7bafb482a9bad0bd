package s3_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// put stores an object, after an input was changed.
func (b *bench) put(bucket, key, body string, change ...func(*sdk.PutObjectInput)) *sdk.PutObjectOutput {
	b.t.Helper()
	out, err := b.tryPut(bucket, key, body, change...)
	if err != nil {
		b.t.Fatalf("putting %s: %v", key, err)
	}
	return out
}

func (b *bench) tryPut(bucket, key, body string, change ...func(*sdk.PutObjectInput)) (*sdk.PutObjectOutput, error) {
	in := &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)}
	for _, c := range change {
		c(in)
	}
	return b.PutObject(b.t.Context(), in)
}

// get returns an object and its content.
func (b *bench) get(bucket, key string, change ...func(*sdk.GetObjectInput)) (*sdk.GetObjectOutput, string) {
	b.t.Helper()
	out, text, err := b.tryGet(bucket, key, change...)
	if err != nil {
		b.t.Fatalf("getting %s: %v", key, err)
	}
	return out, text
}

func (b *bench) tryGet(bucket, key string, change ...func(*sdk.GetObjectInput)) (*sdk.GetObjectOutput, string, error) {
	in := &sdk.GetObjectInput{Bucket: &bucket, Key: &key}
	for _, c := range change {
		c(in)
	}
	out, err := b.GetObject(b.t.Context(), in)
	if err != nil {
		return nil, "", err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	return out, string(text), err
}

func (b *bench) enableVersions(bucket string) {
	b.t.Helper()
	b.setVersioning(bucket, types.BucketVersioningStatusEnabled)
}

func (b *bench) setVersioning(bucket string, status types.BucketVersioningStatus) {
	b.t.Helper()
	_, err := b.PutBucketVersioning(b.t.Context(), &sdk.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// delete deletes an object, or a version of it for an id.
func (b *bench) delete(bucket, key, version string) *sdk.DeleteObjectOutput {
	b.t.Helper()
	in := &sdk.DeleteObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := b.DeleteObject(b.t.Context(), in)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// begin begins a multipart upload.
func (b *bench) begin(bucket, key string, change ...func(*sdk.CreateMultipartUploadInput)) *string {
	b.t.Helper()
	in := &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: &key}
	for _, c := range change {
		c(in)
	}
	out, err := b.CreateMultipartUpload(b.t.Context(), in)
	if err != nil {
		b.t.Fatal(err)
	}
	return out.UploadId
}

// part uploads a part, and returns it as Complete wants it.
func (b *bench) part(bucket, key string, id *string, number int32, body []byte, change ...func(*sdk.UploadPartInput)) types.CompletedPart {
	b.t.Helper()
	in := &sdk.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: id, PartNumber: &number, Body: bytes.NewReader(body)}
	for _, c := range change {
		c(in)
	}
	o, err := b.UploadPart(b.t.Context(), in)
	if err != nil {
		b.t.Fatalf("part %d: %v", number, err)
	}
	return types.CompletedPart{PartNumber: &number, ETag: o.ETag, ChecksumCRC32: o.ChecksumCRC32, ChecksumCRC32C: o.ChecksumCRC32C, ChecksumCRC64NVME: o.ChecksumCRC64NVME,
		ChecksumMD5: o.ChecksumMD5, ChecksumSHA1: o.ChecksumSHA1, ChecksumSHA256: o.ChecksumSHA256, ChecksumSHA512: o.ChecksumSHA512,
		ChecksumXXHASH128: o.ChecksumXXHASH128, ChecksumXXHASH3: o.ChecksumXXHASH3, ChecksumXXHASH64: o.ChecksumXXHASH64}
}

func (b *bench) complete(bucket, key string, id *string, parts []types.CompletedPart, change ...func(*sdk.CompleteMultipartUploadInput)) (*sdk.CompleteMultipartUploadOutput, error) {
	in := &sdk.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}
	for _, c := range change {
		c(in)
	}
	return b.CompleteMultipartUpload(b.t.Context(), in)
}

// noise are bytes that are the same for the same seed.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

const partSize = 5 << 20 // the least that a part may have which is not the last one

func str(p *string) string { return aws.ToString(p) }

// sendSigned is send for a request that the bench's account has signed.
func (b *bench) sendSigned(method, path, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	return b.send(method, path, body, append(asAccount(), headers...)...)
}
