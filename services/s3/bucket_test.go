package s3_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"millrace/runtime/object"
	"millrace/runtime/object/owner"
)

const noBucket = "NoSuchBucket: The specified bucket does not exist"

func TestBucketsOfOthers(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("mine")
	b.create("mine")
	get := func(c *sdk.Client, name, owner *string) error {
		_, err := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: name, ExpectedBucketOwner: owner})
		return err
	}
	for _, c := range []struct {
		rule   string
		err    error
		status int
		want   string
	}{
		{"the owner", get(b.Client, name, nil), 0, ""},
		{"the owner that is expected", get(b.Client, name, aws.String(account)), 0, ""},
		{"another owner than is expected", get(b.Client, name, aws.String(stranger)), 403, denied},
		{"an owner that cannot be", get(b.Client, name, aws.String("me")), 400, "InvalidBucketOwnerAWSAccountID: The value of the expected bucket owner parameter must be an AWS Account ID... [me]"},
		{"a stranger", get(b.other, name, nil), 403, denied},
		{"no bucket", get(b.Client, aws.String("none"), nil), 404, noBucket},
		{"another region", get(b.client(account, "eu-west-1"), name, nil), 301,
			"PermanentRedirect: The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint."},
	} {
		wants(t, c.rule, c.err, c.status, c.want)
	}
	res, text := b.send("GET", "/mine?versioning", "")
	if res.StatusCode != 403 || !strings.Contains(text, "<Code>AccessDenied</Code>") {
		t.Errorf("unsigned: %s %s", res.Status, text)
	}
}

func TestHeadBucket(t *testing.T) {
	b := start(t)
	must(b.CreateBucket(t.Context(), in("there", "eu-west-1")))(t)
	out := must(b.client(account, "eu-west-1").HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: aws.String("there")}))(t)
	if aws.ToString(out.BucketRegion) != "eu-west-1" {
		t.Errorf("region %s", aws.ToString(out.BucketRegion))
	}
	headers := asAccount()
	for path, status := range map[string]int{"/there": http.StatusMovedPermanently, "/none": http.StatusNotFound} {
		req, err := http.NewRequest("HEAD", b.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		req.Header.Set("Authorization", authorization(req.Header))
		res, err := (&http.Transport{}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status || status == 301 && res.Header.Get("X-Amz-Bucket-Region") != "eu-west-1" {
			t.Errorf("%s: %s %v", path, res.Status, res.Header)
		}
	}
}

func TestListBuckets(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	b.create("one", "three", "two")
	must(b.CreateBucket(ctx, in("far", "eu-west-1")))(t)
	must(b.other.CreateBucket(ctx, in("theirs", "")))(t)
	list := func(in *sdk.ListBucketsInput) (*sdk.ListBucketsOutput, string) {
		t.Helper()
		out := must(b.ListBuckets(ctx, in))(t)
		var names []string
		for _, got := range out.Buckets {
			names = append(names, *got.Name)
			if *got.BucketArn != "arn:aws:s3:::"+*got.Name || got.CreationDate == nil || (*got.BucketRegion == "eu-west-1") != (*got.Name == "far") {
				t.Errorf("bucket %+v", got)
			}
		}
		return out, strings.Join(names, " ")
	}
	all, names := list(&sdk.ListBucketsInput{})
	if names != "far one three two" || all.ContinuationToken != nil || *all.Owner.ID != owner.CanonicalUserID(account) {
		t.Errorf("all: %s, %+v", names, all)
	}
	if page, names := list(&sdk.ListBucketsInput{Prefix: aws.String("t")}); names != "three two" || *page.Prefix != "t" {
		t.Errorf("by prefix: %s", names)
	}
	if _, names := list(&sdk.ListBucketsInput{BucketRegion: aws.String("eu-west-1")}); names != "far" {
		t.Errorf("by region: %s", names)
	}
	page, names := list(&sdk.ListBucketsInput{MaxBuckets: aws.Int32(2)})
	if names != "far one" || page.ContinuationToken == nil {
		t.Errorf("first page: %s", names)
	}
	if page, names := list(&sdk.ListBucketsInput{MaxBuckets: aws.Int32(2), ContinuationToken: page.ContinuationToken}); names != "three two" || page.ContinuationToken != nil {
		t.Errorf("second page: %s", names)
	}
	_, err := b.ListBuckets(ctx, &sdk.ListBucketsInput{BucketRegion: aws.String("atlantis")})
	wants(t, "no region", err, 400, "InvalidArgument: Argument value atlantis is not a valid AWS Region")
	_, err = b.ListBuckets(ctx, &sdk.ListBucketsInput{ContinuationToken: aws.String("junk")})
	wants(t, "no token", err, 400, "InvalidArgument: The continuation token provided is incorrect")
}

func TestDeleteBucket(t *testing.T) {
	b := start(t)
	ctx, name := t.Context(), aws.String("full")
	b.create("full")
	bucket := must(b.buckets.Find(ctx, "full"))(t)
	if err := bucket.Do(ctx, &object.Put{Object: object.Object{Key: "k", Encryption: object.Encryption{Algorithm: "AES256"}}}); err != nil {
		t.Fatal(err)
	}
	_, err := b.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: name})
	wants(t, "an object", err, 409, "BucketNotEmpty: The bucket you tried to delete is not empty")
	must(b.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))(t)
	_, err = b.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: name})
	wants(t, "a version", err, 409, "BucketNotEmpty: The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
	b.create("empty")
	must(b.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("empty")}))(t)
	_, err = b.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("empty")})
	wants(t, "again", err, 404, noBucket)
	must(b.other.CreateBucket(ctx, in("empty", "")))(t) // the name is free
}
