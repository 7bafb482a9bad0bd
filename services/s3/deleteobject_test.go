package s3_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// S3 User Guide, "Working with delete markers".
func TestVersions(t *testing.T) {
	b := start(t)
	b.create("box")
	b.put("box", "k", "null")
	b.enableVersions("box")
	first, second := b.put("box", "k", "1"), b.put("box", "k", "2")
	marker := b.delete("box", "k", "")
	if !aws.ToBool(marker.DeleteMarker) || str(marker.VersionId) == "" {
		t.Errorf("a delete: %+v", marker)
	}
	_, _, err := b.tryGet("box", "k")
	wants(t, "a delete marker", err, 404, "NoSuchKey: The specified key does not exist.")
	res, _ := b.sendSigned("GET", "/box/k", "")
	if res.Header.Get("X-Amz-Delete-Marker") != "true" || res.Header.Get("X-Amz-Version-Id") != str(marker.VersionId) {
		t.Errorf("a delete marker: %v", res.Header)
	}
	_, _, err = b.tryGet("box", "k", func(i *sdk.GetObjectInput) { i.VersionId = marker.VersionId })
	wants(t, "a delete marker by its id", err, 405, "MethodNotAllowed: The specified method is not allowed against this resource.")
	for id, want := range map[string]string{str(first.VersionId): "1", str(second.VersionId): "2", "null": "null"} {
		if out, text := b.get("box", "k", func(i *sdk.GetObjectInput) { i.VersionId = &id }); text != want || str(out.VersionId) != id {
			t.Errorf("version %s: %s, %s", id, str(out.VersionId), text)
		}
	}
	all := must(b.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String("box")}))(t)
	if len(all.Versions) != 3 || len(all.DeleteMarkers) != 1 || str(all.Versions[2].VersionId) != "null" || aws.ToBool(all.Versions[0].IsLatest) || !aws.ToBool(all.DeleteMarkers[0].IsLatest) || str(all.Versions[0].Owner.ID) == "" {
		t.Errorf("versions: %+v %+v", all.Versions, all.DeleteMarkers)
	}
	gone := b.delete("box", "k", str(marker.VersionId))
	if !aws.ToBool(gone.DeleteMarker) || str(gone.VersionId) != str(marker.VersionId) {
		t.Errorf("removing a delete marker: %+v", gone)
	}
	if _, text := b.get("box", "k"); text != "2" {
		t.Errorf("without the marker: %s", text)
	}
	b.setVersioning("box", types.BucketVersioningStatusSuspended)
	if out := b.put("box", "k", "3"); str(out.VersionId) != "null" {
		t.Errorf("while suspended: %s", str(out.VersionId))
	}
	b.delete("box", "k", str(second.VersionId))
	b.delete("box", "k", "null")
	if _, text := b.get("box", "k"); text != "1" {
		t.Errorf("what is left: %s", text)
	}
	// Pages of one version each say the same.
	var ids []string
	for p := sdk.NewListObjectVersionsPaginator(b.Client, &sdk.ListObjectVersionsInput{Bucket: aws.String("box"), MaxKeys: aws.Int32(1)}); p.HasMorePages(); {
		for _, v := range must(p.NextPage(t.Context()))(t).Versions {
			ids = append(ids, *v.VersionId)
		}
	}
	if fmt.Sprint(ids) != fmt.Sprint([]string{*first.VersionId}) {
		t.Errorf("in pages: %v", ids)
	}
	_, err = b.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String("box"), VersionIdMarker: first.VersionId})
	wants(t, "a marker without a key", err, 400, "InvalidArgument: A version-id marker cannot be specified without a key marker.")
}

func TestConditionalDeletes(t *testing.T) {
	b := start(t)
	b.create("box")
	del := func(match string) error {
		_, err := b.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String("box"), Key: aws.String("k"), IfMatch: &match})
		return err
	}
	wants(t, "nothing there", del("*"), 404, "NoSuchKey: The specified key does not exist.")
	put := b.put("box", "k", "1")
	wants(t, "another ETag", del(`"x"`), 412, failed)
	wants(t, "its ETag", del(*put.ETag), 0, "")
	b.put("box", "k", "1")
	wants(t, "any object", del("*"), 0, "")
	b.enableVersions("box")
	b.delete("box", "k", "")
	wants(t, "a delete marker", del("*"), 412, failed)
	_, err := b.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String("box"), Key: aws.String("k"), IfMatchSize: aws.Int64(1)})
	wants(t, "a size", err, 501, "NotImplemented: A header you provided implies functionality that is not implemented")
	_, err = b.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String("box"), Key: aws.String("k"), BypassGovernanceRetention: aws.Bool(true)})
	wants(t, "a bypass", err, 400, "InvalidArgument: x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.")
}

func TestDeleteObjects(t *testing.T) {
	b := start(t)
	b.create("box")
	b.enableVersions("box")
	one, two := b.put("box", "a", "1"), b.put("box", "a", "2")
	b.put("box", "b", "1")
	ids := func(all ...types.ObjectIdentifier) *sdk.DeleteObjectsInput {
		return &sdk.DeleteObjectsInput{Bucket: aws.String("box"), Delete: &types.Delete{Objects: all}}
	}
	a, bb := aws.String("a"), aws.String("b")
	out := must(b.DeleteObjects(t.Context(), ids(
		types.ObjectIdentifier{Key: a, VersionId: one.VersionId}, types.ObjectIdentifier{Key: a, VersionId: two.VersionId}, types.ObjectIdentifier{Key: bb},
		types.ObjectIdentifier{Key: aws.String("none")}, types.ObjectIdentifier{Key: bb, VersionId: aws.String("x")}, types.ObjectIdentifier{Key: a, ETag: aws.String("x")},
	)))(t)
	var deleted, failures []string
	for _, d := range out.Deleted {
		deleted = append(deleted, fmt.Sprint(*d.Key, " ", d.VersionId != nil, " ", aws.ToBool(d.DeleteMarker)))
	}
	for _, e := range out.Errors {
		failures = append(failures, *e.Key+" "+*e.Code)
	}
	if got, want := fmt.Sprint(deleted, failures), "[a true false a true false b false true none false true] [b NoSuchVersion a NoSuchKey]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	in := ids(types.ObjectIdentifier{Key: bb})
	in.Delete.Quiet = aws.Bool(true)
	if out := must(b.DeleteObjects(t.Context(), in))(t); len(out.Deleted)+len(out.Errors) != 0 {
		t.Errorf("quiet: %+v", out)
	}
	_, err := b.DeleteObjects(t.Context(), ids(make([]types.ObjectIdentifier, 0)...))
	wants(t, "none", err, 400, malformed)
	var many []types.ObjectIdentifier
	for i := range 1001 {
		many = append(many, types.ObjectIdentifier{Key: aws.String(fmt.Sprint(i))})
	}
	_, err = b.DeleteObjects(t.Context(), ids(many...))
	wants(t, "too many", err, 400, malformed)
	must(b.DeleteObjects(t.Context(), ids(many[1:]...)))(t)
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{nil, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"},
		{[]string{"Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="}, "The Content-MD5 you specified did not match what we received."},
		{[]string{"X-Amz-Checksum-Crc32", "NhCmhg=="}, "The CRC32 you specified did not match the calculated checksum."},
		{[]string{"X-Amz-Checksum-Crc32", "NhCm"}, "Value for x-amz-checksum-crc32 header is invalid."},
	} {
		if res, text := b.sendSigned("POST", "/box?delete", "<Delete><Object><Key>b</Key></Object></Delete>", c.headers...); res.StatusCode != 400 || !strings.Contains(text, c.want) {
			t.Errorf("%v: %s %s", c.headers, res.Status, text)
		}
	}
}

const malformed = "MalformedXML: The XML you provided was not well-formed or did not validate against our published schema"

func TestObjectTagging(t *testing.T) {
	b := start(t)
	b.create("box")
	box, k := aws.String("box"), aws.String("k")
	put := func(tags ...types.Tag) error {
		_, err := b.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{Bucket: box, Key: k, Tagging: &types.Tagging{TagSet: tags}})
		return err
	}
	get := func() (s string) {
		for _, tag := range must(b.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{Bucket: box, Key: k}))(t).TagSet {
			s += *tag.Key + "=" + *tag.Value + ";"
		}
		return s
	}
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	wants(t, "no object", put(tag("a", "1")), 404, "NoSuchKey: The specified key does not exist.")
	before := b.put("box", "k", "x", func(i *sdk.PutObjectInput) { i.Tagging = aws.String("a=1&b=x%20y") })
	if got := get(); got != "a=1;b=x y;" {
		t.Errorf("of a header: %s", got)
	}
	wants(t, "new ones", put(tag("c", ""), tag("ä", "ö@:/+-=._")), 0, "")
	if got := get(); got != "c=;ä=ö@:/+-=._;" {
		t.Errorf("replaced: %s", got)
	}
	for what, err := range map[string]error{
		"InvalidTag: Cannot provide multiple Tags with the same key": put(tag("a", "1"), tag("a", "2")),
		"InvalidTag: The TagKey you have provided is invalid":        put(tag(strings.Repeat("k", 129), "")),
		"InvalidTag: The TagValue you have provided is invalid":      put(tag("k", strings.Repeat("v", 257))),
		"InvalidTag: Your TagKey cannot be prefixed with aws:":       put(tag("aws:x", "")),
	} {
		wants(t, what, err, 400, what)
	}
	must(b.DeleteObjectTagging(t.Context(), &sdk.DeleteObjectTaggingInput{Bucket: box, Key: k}))(t)
	if got := get(); got != "" {
		t.Errorf("deleted: %s", got)
	}
	if out, text := b.get("box", "k"); text != "x" || str(out.ETag) != str(before.ETag) || out.TagCount != nil {
		t.Errorf("the object: %+v", out)
	}
	b.enableVersions("box")
	marker := b.delete("box", "k", "")
	_, err := b.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{Bucket: box, Key: k, VersionId: marker.VersionId})
	wants(t, "a delete marker", err, 405, "MethodNotAllowed: The specified method is not allowed against this resource.")
	_, err = b.DeleteObjectTagging(t.Context(), &sdk.DeleteObjectTaggingInput{Bucket: box, Key: k, VersionId: marker.VersionId})
	wants(t, "deleting of a delete marker", err, 405, "MethodNotAllowed: The specified method is not allowed against this resource.")
}
