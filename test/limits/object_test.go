//go:build unix

package limits

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"millrace/test/wholebody"
)

const shelf = "shelf" // the bucket

// objects is a client for S3.
func (s *server) objects() *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.endpoint), UsePathStyle: true, Retryer: aws.NopRetryer{}, HTTPClient: wholebody.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func putObject(ctx context.Context, c *s3.Client, key string, size int) error {
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(shelf), Key: &key, Body: bytes.NewReader(bytes.Repeat([]byte{'x'}, size))})
	return err
}

// A disk that objects fill, in the middle of a large one too, refuses with 503, keeps nothing
// of what it refused, serves and deletes what it has, and takes objects again then.
func TestFullDiskOfObjects(t *testing.T) {
	long(t)
	for _, size := range []int{5000, 60 << 10, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			dir := disk(t, 40<<20)
			data := filepath.Join(dir, "data")
			s := start(t, "", data)
			c := s.objects()
			if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(shelf)}); err != nil {
				t.Fatal(err)
			}
			for n := range 3 {
				if err := putObject(t.Context(), c, fmt.Sprint("first-", n), size); err != nil {
					t.Fatal(err)
				}
			}
			before := blobsIn(data)
			wantFullDisk(t, putObject(t.Context(), c, "larger than the disk", 48<<20))
			eventually(t, "nothing is left of it", func() bool { return blobsIn(data) == before })
			n := 0
			var err error
			for ; err == nil; n++ {
				err = putObject(t.Context(), c, fmt.Sprint("object-", n), size)
			}
			wantFullDisk(t, err)
			if status, why := s.health(); status != 503 {
				t.Errorf("health is %d %q", status, why)
			}
			t.Logf("%d objects of %d bytes", n, size)
			for _, key := range []string{"first-0", fmt.Sprint("object-", n-2)} {
				out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(shelf), Key: &key})
				if err != nil {
					t.Fatal("reading:", err)
				}
				if got, err := io.Copy(io.Discard, out.Body); err != nil || got != int64(size) {
					t.Errorf("%s came back with %d bytes: %v", key, got, err)
				}
				out.Body.Close()
			}
			for i := range n - 1 {
				if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(shelf), Key: aws.String(fmt.Sprint("object-", i))}); err != nil {
					t.Fatalf("deleting, after %d objects: %v", i, err)
				}
			}
			eventually(t, "a put", func() bool { return putObject(t.Context(), c, "later", size) == nil })
			eventually(t, "health", func() bool { status, _ := s.health(); return status == 200 })
			list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(shelf)})
			if err != nil || len(list.Contents) != 4 {
				t.Errorf("there are %d objects in the end, want 4: %v", len(list.Contents), err)
			}
		})
	}
}

// wantFullDisk wants an answer of S3's that says to try again.
func wantFullDisk(t *testing.T, err error) {
	t.Helper()
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusServiceUnavailable {
		t.Fatalf("got %v, want 503", err)
	}
}

// blobsIn is how many files of objects a data folder has.
func blobsIn(data string) (n int) {
	filepath.WalkDir(filepath.Join(data, "objects"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return nil
	})
	return n
}
