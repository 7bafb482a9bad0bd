package s3_test

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Each algorithm that an upload may have, in each type.
func TestMultipartChecksums(t *testing.T) {
	b := start(t)
	b.create("box")
	first, last := noise(1, partSize), noise(2, 100)
	whole := string(first) + string(last)
	for _, c := range []struct {
		algorithm types.ChecksumAlgorithm
		typ       types.ChecksumType
		composite bool
	}{
		{"", "", false},
		{types.ChecksumAlgorithmCrc64nvme, "", false}, {types.ChecksumAlgorithmCrc64nvme, "FULL_OBJECT", false},
		{types.ChecksumAlgorithmCrc32, "", true}, {types.ChecksumAlgorithmCrc32, "FULL_OBJECT", false}, {types.ChecksumAlgorithmCrc32, "COMPOSITE", true},
		{types.ChecksumAlgorithmCrc32c, "", true}, {types.ChecksumAlgorithmCrc32c, "FULL_OBJECT", false},
		{types.ChecksumAlgorithmSha1, "", true}, {types.ChecksumAlgorithmSha256, "COMPOSITE", true},
	} {
		name := fmt.Sprintf("%s %s", c.algorithm, c.typ)
		key := strings.ReplaceAll(name, " ", "/")
		id := b.begin("box", key, func(i *sdk.CreateMultipartUploadInput) { i.ChecksumAlgorithm, i.ChecksumType = c.algorithm, c.typ })
		algorithm := func(i *sdk.UploadPartInput) { i.ChecksumAlgorithm = c.algorithm }
		parts := []types.CompletedPart{b.part("box", key, id, 1, first, algorithm), b.part("box", key, id, 2, last, algorithm)}
		listed := must(b.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: aws.String("box"), Key: &key, UploadId: id}))(t)
		if len(listed.Parts) != 2 || listed.ChecksumAlgorithm != c.algorithm || c.algorithm == "" && listed.Parts[0].ChecksumCRC64NVME != nil {
			t.Errorf("%s: parts %+v", name, listed)
		}
		if c.algorithm == "" {
			for i := range parts {
				parts[i].ChecksumCRC32 = nil
			}
		}
		done, err := b.complete("box", key, id, parts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		typ := types.ChecksumTypeFullObject
		if c.composite {
			typ = types.ChecksumTypeComposite
		}
		if want := multipartETag(first, last); str(done.ETag) != want || done.ChecksumType != typ {
			t.Errorf("%s: completed %+v, want %s", name, done, want)
		}
		out, text := b.get("box", key, func(i *sdk.GetObjectInput) { i.ChecksumMode = types.ChecksumModeEnabled })
		if text != whole || out.ChecksumType != typ {
			t.Errorf("%s: got %d bytes, type %s", name, len(text), out.ChecksumType)
		}
		// A copy is in one piece and has a checksum of all: the SDK compares it.
		must(b.CopyObject(t.Context(), &sdk.CopyObjectInput{Bucket: aws.String("box"), Key: aws.String("copy"), CopySource: aws.String("box/" + strings.ReplaceAll(key, "/", "%2F"))}))(t)
		out, text = b.get("box", "copy", func(i *sdk.GetObjectInput) { i.ChecksumMode = types.ChecksumModeEnabled })
		sum := md5.Sum([]byte(whole))
		if text != whole || out.ChecksumType != types.ChecksumTypeFullObject || str(out.ETag) != `"`+hex.EncodeToString(sum[:])+`"` {
			t.Errorf("%s: the copy: %d bytes, %+v", name, len(text), out)
		}
	}
}

func multipartETag(parts ...[]byte) string {
	var all []byte
	for _, p := range parts {
		sum := md5.Sum(p)
		all = append(all, sum[:]...)
	}
	sum := md5.Sum(all)
	return fmt.Sprintf(`"%x-%d"`, sum, len(parts))
}

func TestPartsOfAnObject(t *testing.T) {
	b := start(t)
	b.create("box")
	first, last := noise(1, partSize), noise(2, 100)
	id := b.begin("box", "k", func(i *sdk.CreateMultipartUploadInput) {
		i.ContentType, i.Metadata, i.Tagging, i.ChecksumAlgorithm = aws.String("text/plain"), map[string]string{"a": "1"}, aws.String("x=y"), types.ChecksumAlgorithmSha256
	})
	sha := func(i *sdk.UploadPartInput) { i.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 }
	parts := []types.CompletedPart{b.part("box", "k", id, 1, noise(9, 10), sha), b.part("box", "k", id, 2, last, sha)}
	parts[0] = b.part("box", "k", id, 1, first, sha) // once more, in its place
	must(b.complete("box", "k", id, parts))(t)
	again, err := b.complete("box", "k", id, parts)
	if err != nil || str(again.ETag) != multipartETag(first, last) {
		t.Errorf("completed again: %+v, %v", again, err)
	}
	for number, want := range map[int32]string{1: string(first), 2: string(last)} {
		out, text := b.get("box", "k", func(i *sdk.GetObjectInput) { i.PartNumber, i.ChecksumMode = &number, types.ChecksumModeEnabled })
		if text != want || aws.ToInt32(out.PartsCount) != 2 || str(out.ChecksumSHA256) != str(parts[number-1].ChecksumSHA256) || out.ContentRange == nil {
			t.Errorf("part %d: %d bytes, %+v", number, len(text), out)
		}
	}
	_, _, err = b.tryGet("box", "k", func(i *sdk.GetObjectInput) { i.PartNumber = aws.Int32(3) })
	wants(t, "a part that is not there", err, 416, "InvalidPartNumber: The requested partnumber is not satisfiable")
	_, _, err = b.tryGet("box", "k", func(i *sdk.GetObjectInput) { i.PartNumber, i.Range = aws.Int32(1), aws.String("bytes=0-1") })
	wants(t, "a part and a range", err, 400, "InvalidRequest: Cannot specify both Range header and partNumber query parameter")
	head := must(b.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("box"), Key: aws.String("k")}))(t)
	if str(head.ContentType) != "text/plain" || head.Metadata["a"] != "1" || aws.ToInt32(head.TagCount) != 1 || aws.ToInt64(head.ContentLength) != partSize+100 {
		t.Errorf("head: %+v", head)
	}
	a := must(b.GetObjectAttributes(t.Context(), &sdk.GetObjectAttributesInput{Bucket: aws.String("box"), Key: aws.String("k"), MaxParts: aws.Int32(1),
		ObjectAttributes: []types.ObjectAttributes{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}}))(t)
	if `"`+str(a.ETag)+`"` != multipartETag(first, last) || a.Checksum.ChecksumType != types.ChecksumTypeComposite || !strings.HasSuffix(str(a.Checksum.ChecksumSHA256), "-2") ||
		aws.ToInt32(a.ObjectParts.TotalPartsCount) != 2 || len(a.ObjectParts.Parts) != 1 || !aws.ToBool(a.ObjectParts.IsTruncated) || a.StorageClass != "STANDARD" || aws.ToInt64(a.ObjectSize) != partSize+100 {
		t.Errorf("attributes: %+v %+v %+v", a, a.Checksum, a.ObjectParts)
	}
	b.put("box", "whole", "0123")
	out, text := b.get("box", "whole", func(i *sdk.GetObjectInput) { i.PartNumber = aws.Int32(1) })
	if text != "0123" || str(out.ContentRange) != "bytes 0-3/4" || out.PartsCount != nil {
		t.Errorf("the only part: %+v", out)
	}
}

// Each rule of uploads, by its refusal.
func TestMultipartRefusals(t *testing.T) {
	b := start(t)
	b.create("box")
	type create = sdk.CreateMultipartUploadInput
	for _, c := range []struct {
		change func(*create)
		want   string
	}{
		{func(i *create) { i.ChecksumType = "FULL_OBJECT" }, "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."},
		{func(i *create) { i.ChecksumType, i.ChecksumAlgorithm = "FULL_OBJECT", "SHA1" }, "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm."},
		{func(i *create) { i.ChecksumType, i.ChecksumAlgorithm = "COMPOSITE", "CRC64NVME" }, "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm."},
	} {
		in := &create{Bucket: aws.String("box"), Key: aws.String("k")}
		c.change(in)
		_, err := b.CreateMultipartUpload(t.Context(), in)
		wants(t, c.want, err, 400, "InvalidRequest: "+c.want)
	}
	id := b.begin("box", "k", func(i *create) { i.ChecksumAlgorithm = "CRC32C" })
	part := func(change func(*sdk.UploadPartInput)) error {
		in := &sdk.UploadPartInput{Bucket: aws.String("box"), Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("hello"), ChecksumAlgorithm: "CRC32C"}
		change(in)
		_, err := b.UploadPart(t.Context(), in)
		return err
	}
	wants(t, "another algorithm", part(func(i *sdk.UploadPartInput) { i.ChecksumAlgorithm = "CRC32" }), 400, "InvalidRequest: Checksum Type mismatch occurred, expected checksum Type: crc32c, actual checksum Type: crc32")
	wants(t, "part 0", part(func(i *sdk.UploadPartInput) { i.PartNumber = aws.Int32(0) }), 400, "InvalidArgument: Part number must be an integer between 1 and 10000, inclusive")
	wants(t, "part 10001", part(func(i *sdk.UploadPartInput) { i.PartNumber = aws.Int32(10001) }), 400, "InvalidArgument: Part number must be an integer between 1 and 10000, inclusive")
	wants(t, "no upload", part(func(i *sdk.UploadPartInput) { i.UploadId = aws.String("x") }), 404, noUpload)
	wants(t, "another key", part(func(i *sdk.UploadPartInput) { i.Key = aws.String("other") }), 404, noUpload)
	wants(t, "another checksum", part(func(i *sdk.UploadPartInput) { i.ChecksumCRC32C = aws.String("AAAAAA==") }), 400, "BadDigest: The crc32c you specified for part 1 did not match what we received.")
	crc := func(i *sdk.UploadPartInput) { i.ChecksumAlgorithm = "CRC32C" }
	one, two := b.part("box", "k", id, 1, []byte("short"), crc), b.part("box", "k", id, 2, []byte("short"), crc)
	type complete = sdk.CompleteMultipartUploadInput
	bare := types.CompletedPart{PartNumber: aws.Int32(1), ETag: one.ETag}
	for _, c := range []struct {
		rule   string
		parts  []types.CompletedPart
		change func(*complete)
		want   string
	}{
		{"a short part", []types.CompletedPart{one, two}, nil, "EntityTooSmall: Your proposed upload is smaller than the minimum allowed size"},
		{"an order", []types.CompletedPart{two, one}, nil, "InvalidPartOrder: The list of parts was not in ascending order. Parts must be ordered by part number."},
		{"a part that is none", []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: aws.String("x"), ChecksumCRC32C: one.ChecksumCRC32C}}, nil,
			"InvalidPart: One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
		{"no checksum", []types.CompletedPart{bare}, nil, "InvalidRequest: The upload was created using a crc32c checksum. The complete request must include the checksum for each part. It was missing for part 1 in the request."},
		{"another type", []types.CompletedPart{one}, func(i *complete) { i.ChecksumType = "FULL_OBJECT" }, "InvalidRequest: The upload was created using the COMPOSITE checksum mode. The complete request must use the same checksum mode."},
		{"another size", []types.CompletedPart{one}, func(i *complete) { i.MpuObjectSize = aws.Int64(4) }, "InvalidRequest: The provided 'x-amz-mp-object-size' header value 4 does not match what was computed: 5"},
		{"another checksum", []types.CompletedPart{one}, func(i *complete) { i.ChecksumCRC32C = aws.String("AAAAAA==-1") }, "BadDigest: The crc32c you specified did not match the calculated checksum."},
		{"a newer algorithm", []types.CompletedPart{one}, func(i *complete) { i.ChecksumSHA512 = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 64))) },
			"InvalidRequest: The upload was created without the sha512 checksum algorithm, which has to be named when an upload is created."},
	} {
		if c.change == nil {
			c.change = func(*complete) {}
		}
		_, err := b.complete("box", "k", id, c.parts, c.change)
		wants(t, c.rule, err, 400, c.want)
	}
	must(b.complete("box", "k", id, []types.CompletedPart{one}))(t)
	abort := func(id *string) error {
		_, err := b.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{Bucket: aws.String("box"), Key: aws.String("k"), UploadId: id})
		return err
	}
	wants(t, "aborting what is completed", abort(id), 404, noUpload)
	id = b.begin("box", "k")
	wants(t, "aborting", abort(id), 0, "")
	wants(t, "aborting again", abort(id), 404, noUpload)
}

const noUpload = "NoSuchUpload: The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."

// What happens to an object between the beginning of an upload and its end.
func TestConditionalCompletes(t *testing.T) {
	b := start(t)
	b.create("box")
	type in = sdk.CompleteMultipartUploadInput
	absent := func(i *in) { i.IfNoneMatch = aws.String("*") }
	match := func(etag *string) func(*in) { return func(i *in) { i.IfMatch = etag } }
	try := func(meanwhile func(), condition func(*in)) error {
		id := b.begin("box", "k")
		part := b.part("box", "k", id, 1, []byte("part"))
		meanwhile()
		_, err := b.complete("box", "k", id, []types.CompletedPart{part}, condition)
		return err
	}
	const conflict = "ConditionalRequestConflict: The conditional request cannot succeed due to a conflicting operation against this resource."
	write := func() { b.put("box", "k", "x") }
	remove := func() { b.delete("box", "k", "") }
	wants(t, "nothing to match", try(func() {}, match(aws.String("x"))), 404, "NoSuchKey: The specified key does not exist.")
	wants(t, "nothing there", try(func() {}, absent), 0, "")
	wants(t, "there before", try(func() {}, absent), 412, failed)
	wants(t, "written meanwhile, none wanted", try(write, absent), 412, failed)
	same := b.put("box", "k", "x").ETag
	wants(t, "written meanwhile, even equal", try(write, match(same)), 409, conflict)
	wants(t, "deleted meanwhile, none wanted", try(remove, absent), 409, conflict)
	write()
	wants(t, "deleted meanwhile", try(remove, match(same)), 404, "NoSuchKey: The specified key does not exist.")
	write()
	wants(t, "the same", try(func() {}, match(same)), 0, "")
}

func TestListMultipartUploads(t *testing.T) {
	b := start(t)
	b.create("box")
	want := map[string]bool{}
	for _, key := range []string{"a", "a", "b/1", "b/2", "c d"} {
		want[*b.begin("box", key)] = true
	}
	var got []string
	for p := sdk.NewListMultipartUploadsPaginator(b.Client, &sdk.ListMultipartUploadsInput{Bucket: aws.String("box"), MaxUploads: aws.Int32(2), EncodingType: "url"}); p.HasMorePages(); {
		for _, u := range must(p.NextPage(t.Context()))(t).Uploads {
			if delete(want, *u.UploadId); u.Initiated == nil || u.StorageClass != "STANDARD" || str(u.Owner.ID) == "" {
				t.Errorf("%+v", u)
			}
			got = append(got, *u.Key)
		}
	}
	if fmt.Sprint(got) != "[a a b/1 b/2 c+d]" || len(want) != 0 {
		t.Errorf("%q, without %v", got, want)
	}
	grouped := must(b.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: aws.String("box"), Delimiter: aws.String("/")}))(t)
	if len(grouped.Uploads) != 3 || len(grouped.CommonPrefixes) != 1 {
		t.Errorf("grouped: %+v", grouped)
	}
}
