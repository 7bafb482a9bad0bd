package s3_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// copies copies an object within a bucket.
func (b *bench) copies(source, key string, change ...func(*sdk.CopyObjectInput)) (*sdk.CopyObjectOutput, error) {
	in := &sdk.CopyObjectInput{Bucket: aws.String("box"), Key: &key, CopySource: &source}
	for _, c := range change {
		c(in)
	}
	return b.CopyObject(b.t.Context(), in)
}

func TestCopyObject(t *testing.T) {
	b := start(t)
	b.create("box")
	b.put("box", "dir/ä b+c", "hello", func(i *sdk.PutObjectInput) {
		i.ContentType, i.Metadata, i.Tagging = aws.String("text/plain"), map[string]string{"a": "1"}, aws.String("x=y")
		i.ChecksumAlgorithm, i.StorageClass, i.WebsiteRedirectLocation = types.ChecksumAlgorithmSha256, types.StorageClassStandardIa, aws.String("/x")
	})
	source := "box/" + url.PathEscape("dir/ä b+c")
	done := must(b.copies(source, "copy"))(t)
	out, text := b.get("box", "copy", func(i *sdk.GetObjectInput) { i.ChecksumMode = types.ChecksumModeEnabled })
	if text != "hello" || str(out.ContentType) != "text/plain" || out.Metadata["a"] != "1" || aws.ToInt32(out.TagCount) != 1 || out.StorageClass != "" || out.WebsiteRedirectLocation != nil ||
		out.ChecksumSHA256 == nil || str(done.CopyObjectResult.ETag) != str(out.ETag) || str(done.CopyObjectResult.ChecksumSHA256) != str(out.ChecksumSHA256) || done.CopyObjectResult.LastModified == nil {
		t.Errorf("a copy: %+v", out)
	}
	must(b.copies("/"+source, "copy", func(i *sdk.CopyObjectInput) {
		i.MetadataDirective, i.Metadata, i.TaggingDirective, i.Tagging, i.ChecksumAlgorithm = "REPLACE", map[string]string{"b": "2"}, "REPLACE", aws.String("p=1&q=2"), types.ChecksumAlgorithmCrc32c
	}))(t)
	out, _ = b.get("box", "copy", func(i *sdk.GetObjectInput) { i.ChecksumMode = types.ChecksumModeEnabled })
	if str(out.ContentType) != "binary/octet-stream" || len(out.Metadata) != 1 || out.Metadata["b"] != "2" || aws.ToInt32(out.TagCount) != 2 || out.ChecksumCRC32C == nil {
		t.Errorf("replaced: %+v", out)
	}
	const same = "InvalidRequest: This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."
	_, err := b.copies("box/copy", "copy")
	wants(t, "to itself", err, 400, same)
	must(b.copies("box/copy", "copy", func(i *sdk.CopyObjectInput) { i.StorageClass = types.StorageClassStandardIa }))(t)
	if out, text := b.get("box", "copy"); text != "hello" || out.StorageClass != types.StorageClassStandardIa {
		t.Errorf("to itself, with another class: %s %+v", text, out)
	}
	b.enableVersions("box")
	first := b.put("box", "v", "1")
	b.put("box", "v", "2")
	done = must(b.copies("box/v?versionId="+*first.VersionId, "v"))(t)
	if _, text := b.get("box", "v"); text != "1" || str(done.CopySourceVersionId) != *first.VersionId || str(done.VersionId) == *first.VersionId {
		t.Errorf("an old version: %s %+v", text, done)
	}
	marker := b.delete("box", "v", "")
	_, err = b.copies("box/v", "w")
	wants(t, "a delete marker", err, 404, "NoSuchKey: The specified key does not exist.")
	_, err = b.copies("box/v?versionId="+*marker.VersionId, "w")
	wants(t, "a delete marker by its id", err, 400, "InvalidRequest: The source of a copy request may not specifically refer to a delete marker by version id.")
}

func TestCopyRefusals(t *testing.T) {
	b := start(t)
	b.create("box")
	etag := b.put("box", "k", "0123456789").ETag
	b.put("box", "cold", "x", func(i *sdk.PutObjectInput) { i.StorageClass = types.StorageClassDeepArchive })
	other := aws.String(`"0123456789abcdef0123456789abcdef"`)
	type in = sdk.CopyObjectInput
	for _, c := range []struct {
		rule   string
		change func(*in)
		status int
		want   string
	}{
		{"no source", func(i *in) { i.CopySource = aws.String("box") }, 400, "InvalidArgument: Copy Source must mention the source bucket and key: sourcebucket/sourcekey"},
		{"no bucket", func(i *in) { i.CopySource = aws.String("nobody/k") }, 404, noBucket},
		{"no key", func(i *in) { i.CopySource = aws.String("box/none") }, 404, "NoSuchKey: The specified key does not exist."},
		{"a directive", func(i *in) { i.MetadataDirective = "KEEP" }, 400, "InvalidArgument: Unknown metadata directive."},
		{"another directive", func(i *in) { i.TaggingDirective = "KEEP" }, 400, "InvalidArgument: Unknown tagging directive."},
		{"an archived source", func(i *in) { i.CopySource = aws.String("box/cold") }, 403, "ObjectNotInActiveTierError: The source object of the COPY operation is not in the active tier and is only stored in Amazon Glacier."},
		{"If-Match", func(i *in) { i.CopySourceIfMatch = other }, 412, failed},
		{"If-None-Match", func(i *in) { i.CopySourceIfNoneMatch = etag }, 412, failed},
		{"If-Modified-Since", func(i *in) { i.CopySourceIfModifiedSince = aws.Time(time.Now()) }, 412, failed},
		{"If-Unmodified-Since", func(i *in) { i.CopySourceIfUnmodifiedSince = aws.Time(time.Now().Add(-time.Hour)) }, 412, failed},
		{"both hold", func(i *in) {
			i.CopySourceIfMatch, i.CopySourceIfUnmodifiedSince = etag, aws.Time(time.Now().Add(-time.Hour))
		}, 0, ""},
		{"the target", func(i *in) { i.IfNoneMatch = aws.String("*") }, 412, failed},
		{"the target's ETag", func(i *in) { i.IfMatch = other }, 412, failed},
		{"the target's own ETag", func(i *in) { i.IfMatch = etag }, 0, ""},
	} {
		_, err := b.copies("box/k", "copy", c.change)
		wants(t, c.rule, err, c.status, c.want)
	}
	res, text := b.sendSigned("PUT", "/box/x", "", "X-Amz-Copy-Source", "box/k", "X-Amz-Copy-Source-If-Match", *other)
	if res.StatusCode != 412 || !strings.Contains(text, "<Condition>x-amz-copy-source-If-Match</Condition>") {
		t.Errorf("the condition's name: %s %s", res.Status, text)
	}
}

func TestUploadPartCopy(t *testing.T) {
	b := start(t)
	b.create("box")
	whole := noise(3, partSize+1000)
	b.put("box", "k", string(whole))
	id := b.begin("box", "copy")
	part := func(number int32, asked string) (types.CompletedPart, error) {
		in := &sdk.UploadPartCopyInput{Bucket: aws.String("box"), Key: aws.String("copy"), UploadId: id, PartNumber: &number, CopySource: aws.String("box/k")}
		if asked != "" {
			in.CopySourceRange = &asked
		}
		out, err := b.UploadPartCopy(t.Context(), in)
		if err != nil {
			return types.CompletedPart{}, err
		}
		return types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag}, nil
	}
	one := must(part(1, ""))(t)
	two := must(part(2, "bytes=10-19"))(t)
	for _, c := range []struct{ asked, want string }{
		{"bytes=0-5243880", "InvalidArgument: Range specified is not valid for source object of size: 5243880"},
		{"bytes=5-", "InvalidArgument: The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy"},
	} {
		_, err := part(3, c.asked)
		wants(t, c.asked, err, 400, c.want)
	}
	must(b.complete("box", "copy", id, []types.CompletedPart{one, two}))(t)
	if _, text := b.get("box", "copy"); text != string(whole)+string(whole[10:20]) {
		t.Errorf("%d bytes", len(text))
	}
}
