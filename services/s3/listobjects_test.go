package s3_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"millrace/runtime/object/owner"
)

func TestListObjects(t *testing.T) {
	b := start(t)
	b.create("box")
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "c", "c/", "d e", "z"} {
		b.put("box", key, "x")
	}
	// Each query in pages of every size gives the same.
	for _, c := range []struct{ prefix, delimiter, after, want string }{
		{"", "", "", "a b/1 b/2 b/c/3 c c/ d+e z |"},
		{"", "/", "", "a c d+e z | b/ c/"},
		{"b/", "/", "", "b/1 b/2 | b/c/"},
		{"b", "", "", "b/1 b/2 b/c/3 |"},
		{"", "", "b/2", "b/c/3 c c/ d+e z |"},
		{"", "/", "b/", "c d+e z | c/"},
		{"", "1", "", "a b/2 b/c/3 c c/ d+e z | b/1"},
		{"none", "/", "", "|"},
	} {
		for size := int32(1); size <= 9; size++ {
			in := &sdk.ListObjectsV2Input{Bucket: aws.String("box"), Prefix: &c.prefix, Delimiter: &c.delimiter, MaxKeys: &size, EncodingType: "url"}
			if c.after != "" {
				in.StartAfter = &c.after
			}
			var keys, groups []string
			for p := sdk.NewListObjectsV2Paginator(b.Client, in); p.HasMorePages(); {
				page := must(p.NextPage(t.Context()))(t)
				if n := len(page.Contents) + len(page.CommonPrefixes); int32(n) != aws.ToInt32(page.KeyCount) || int32(n) > size {
					t.Errorf("a page of %d for %d", n, size)
				}
				for _, o := range page.Contents {
					keys = append(keys, *o.Key)
				}
				for _, g := range page.CommonPrefixes {
					groups = append(groups, *g.Prefix)
				}
			}
			if got := strings.TrimSpace(strings.Join(keys, " ") + " | " + strings.Join(groups, " ")); got != c.want {
				t.Errorf("%+v in pages of %d: %s", c, size, got)
			}
		}
	}
	// The first version has markers.
	var keys []string
	in := &sdk.ListObjectsInput{Bucket: aws.String("box"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)}
	for {
		page := must(b.ListObjects(t.Context(), in))(t)
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
			if str(o.Owner.ID) != owner.CanonicalUserID(account) {
				t.Errorf("owner %+v", o.Owner)
			}
		}
		for _, g := range page.CommonPrefixes {
			keys = append(keys, *g.Prefix)
		}
		if !aws.ToBool(page.IsTruncated) {
			break
		}
		in.Marker = page.NextMarker
	}
	if fmt.Sprint(keys) != "[a b/ c c/ d e z]" {
		t.Errorf("in the first version: %q", keys)
	}
}

// Every element of a page, and what is wrong with parameters.
func TestListPages(t *testing.T) {
	b := start(t)
	b.create("box")
	for _, key := range []string{"k/1", "k/2"} {
		b.put("box", key, "hello")
	}
	_, text := b.sendSigned("GET", "/box?list-type=2&prefix=k/&start-after=k/0&max-keys=1&fetch-owner=true&encoding-type=url", "")
	for _, want := range []string{`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`, "<Name>box</Name>", "<Prefix>k/</Prefix>", "<StartAfter>k/0</StartAfter>", "<KeyCount>1</KeyCount>",
		"<MaxKeys>1</MaxKeys>", "<IsTruncated>true</IsTruncated>", "<EncodingType>url</EncodingType>", "<NextContinuationToken>", "<Contents><", "<Key>k/1</Key>", "<ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag>",
		"<Size>5</Size>", "<StorageClass>STANDARD</StorageClass>", ".000Z</LastModified>", "<ChecksumAlgorithm>", "<ChecksumType>FULL_OBJECT</ChecksumType>", "<Owner><ID>"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	_, text = b.sendSigned("GET", "/box?prefix=none&marker=x", "")
	for _, want := range []string{"<Prefix>none</Prefix>", "<Marker>x</Marker>", "<MaxKeys>1000</MaxKeys>", "<IsTruncated>false</IsTruncated>"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	for query, want := range map[string]string{
		"list-type=2&continuation-token=x": "The continuation token provided is incorrect",
		"list-type=2&continuation-token=":  "The continuation token provided is incorrect",
		"encoding-type=base64":             "Invalid Encoding Method specified in Request",
		"max-keys=-1":                      "Argument max-keys must be an integer between 0 and 2147483647",
		"max-keys=x":                       "Provided max-keys not an integer or within integer range",
	} {
		if res, text := b.sendSigned("GET", "/box?"+query, ""); res.StatusCode != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %s %s", query, res.Status, text)
		}
	}
	if _, text := b.sendSigned("GET", "/box?max-keys=0", ""); strings.Contains(text, "<Contents>") || !strings.Contains(text, "<IsTruncated>false</IsTruncated>") {
		t.Errorf("none: %s", text)
	}
}
