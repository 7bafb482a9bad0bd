package damage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"millrace/runtime/store/loss"
	"millrace/test/needs"
	"millrace/test/wholebody"
)

const shelf = "shelf" // the bucket

// objects is a client for S3.
func (r *runtime) objects() *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(r.Endpoint()), UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("000000000000", "secret", ""), HTTPClient: wholebody.Client(),
	})
}

// objectOf is what an object holds: those with an even number have a file of their own.
func objectOf(n int) []byte {
	size := 1000
	if n%2 == 0 {
		size = 200_000
	}
	return bytes.Repeat(fmt.Appendf(nil, "%04d", n), size/4)
}

const shelved = 20

// prepareObjects puts objects, of which the last is deleted, and copies the folder while it is
// in use, and after an orderly stop.
func prepareObjects(t *testing.T) (killed, stopped string) {
	t.Helper()
	dir, killed := filepath.Join(folder(t), "data"), filepath.Join(folder(t), "killed")
	r, err := start(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	c := r.objects()
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(shelf)}); err != nil {
		t.Fatal(err)
	}
	for n := range shelved + 1 {
		if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(shelf), Key: aws.String(fmt.Sprint("object-", n)), Body: bytes.NewReader(objectOf(n)),
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(shelf), Key: aws.String(fmt.Sprint("object-", shelved))}); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	r.stop(t)
	return killed, dir
}

// Whatever happens to a file of objects, the rest is served, no byte is served that was never
// put, and what cannot be served is named, by bucket.
func TestDamageOfObjectsIsNeverSilent(t *testing.T) {
	needs.Long(t)
	killed, stopped := prepareObjects(t)
	for name, whole := range map[string]string{"killed": killed, "stopped": stopped} {
		blobs := 0
		err := filepath.WalkDir(whole, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			file, _ := filepath.Rel(whole, path)
			if strings.HasPrefix(file, "objects") {
				if blobs++; blobs > 1 { // they are all alike
					return nil
				}
			} else if !strings.HasPrefix(file, "buckets") && !strings.Contains(file, "MILLRACE_BUCKET_") {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil || len(data) < 4 {
				return err
			}
			ways := damages()
			ways["removed"] = nil
			for way, change := range ways {
				t.Run(name+"/"+file+"/"+way, func(t *testing.T) {
					dir := filepath.Join(folder(t), "data")
					if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
						t.Fatal(err)
					}
					at := filepath.Join(dir, file)
					if change == nil {
						err = os.Remove(at)
					} else {
						err = os.WriteFile(at, change(data), 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
					examineObjects(t, dir)
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// examineObjects reads all objects of a damaged folder, and holds what is missing against what
// is named.
func examineObjects(t *testing.T, dir string) {
	r, err := start(t, dir)
	if err != nil {
		t.Fatalf("did not start: %v", err)
	}
	defer r.stop(t)
	c := r.objects()
	missing := 0
	for n := range shelved + 1 {
		got, err := get(t, c, fmt.Sprint("object-", n))
		switch {
		case n == shelved && err == nil:
			t.Logf("the object that was deleted is there again")
			missing++
		case n == shelved:
		case err != nil:
			missing++
		case !bytes.Equal(got, objectOf(n)):
			t.Errorf("object-%d came back with %d bytes that were never put", n, len(got))
		}
	}
	status, err := r.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if missing > 0 && !namesBucket(status.Losses) {
		t.Errorf("%d objects cannot be served as they were, and nothing is said: %v", missing, status.Losses)
	}
	if missing == shelved {
		t.Logf("no object can be served: %v", status.Losses)
	}
	// It goes on.
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(shelf), Key: aws.String("later"), Body: bytes.NewReader(objectOf(4))}); err != nil {
		t.Errorf("putting after the damage: %v", err)
		return
	}
	if got, err := get(t, c, "later"); err != nil || !bytes.Equal(got, objectOf(4)) {
		t.Errorf("what was put after the damage came back with %d bytes: %v", len(got), err)
	}
}

func get(t *testing.T, c *s3.Client, key string) ([]byte, error) {
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(shelf), Key: &key})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(out.Body)
	return body, errors.Join(err, out.Body.Close())
}

// namesBucket reports whether a bucket, or a file of one, is among losses.
func namesBucket(all []loss.Loss) bool {
	for _, l := range all {
		if l.Kind == loss.Bucket || strings.Contains(l.Name, shelf) || l.Kind == loss.File && strings.Contains(l.Name, "MILLRACE_BUCKET_") {
			return true
		}
	}
	return false
}
