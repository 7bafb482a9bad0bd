package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// What objects take counts for --max-store, short and long ones, and those of an earlier
// start: puts are refused as on a full disk, health says why, and deleting heals.
func TestMaxStoreCountsObjects(t *testing.T) {
	const limit = 4 << 20
	for _, size := range []int{40 << 10, 700 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			withLimit, dir := func(c *app.Config) { c.MaxStore = limit }, t.TempDir()
			put := func(t *testing.T, client *s3.Client, key string, size int) error {
				_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("box"), Key: &key, Body: bytes.NewReader(make([]byte, size))},
					func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
				return err
			}
			n, rest := 0, 0 // how many puts there were of each size, with those that were refused
			t.Run("fill", func(t *testing.T) {
				testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
					client := bucket(t, env)
					var err error
					for ; err == nil && n < 1000; n++ {
						err = put(t, client, fmt.Sprint(n), size)
						time.Sleep(time.Second) // what is used is looked at again
					}
					for err == nil || env.App.Health() == nil { // one that did not fit has left room for shorter ones
						err = put(t, client, fmt.Sprint("short-", rest), 40<<10)
						time.Sleep(time.Second)
						rest++
					}
					wantFull(t, env, err)
					if held := n * size; held < limit/2 || held > limit+2*size {
						t.Errorf("%d bytes were taken, and the limit is %d", held, limit)
					}
				}, withLimit, testenv.WithData(dir))
			})
			testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
				client := s3.NewFromConfig(env.AWS, func(o *s3.Options) { o.UsePathStyle = true })
				wantFull(t, env, put(t, client, "more", size))
				for i := range n + rest {
					key := fmt.Sprint(i)
					if i >= n {
						key = fmt.Sprint("short-", i-n)
					}
					if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: new("box"), Key: &key}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
				}
				time.Sleep(time.Minute)
				for _, key := range []string{"again", "and again"} {
					if err := put(t, client, key, size); err != nil {
						t.Error(err)
					}
				}
				if err := env.App.Health(); err != nil {
					t.Error(err)
				}
				if err := put(t, client, "larger than all", 2*limit); err == nil {
					t.Error("an object was taken that is larger than what may be stored")
				}
				for _, key := range []string{"again", "and again"} { // the log of a bucket is trimmed when something is written to it
					time.Sleep(time.Minute)
					if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: new("box"), Key: &key}); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Minute)
				if err := env.App.Health(); err != nil {
					t.Errorf("after an upload that was refused in the middle: %v", err)
				}
			}, withLimit, testenv.WithData(dir))
		})
	}
}

// wantFull wants the refusal of a put, and health to say the same.
func wantFull(t *testing.T, env *testenv.Env, err error) {
	t.Helper()
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "--max-store") {
		t.Errorf("a put: %v", err)
	}
	if err := env.App.Health(); err == nil || !strings.Contains(err.Error(), "--max-store") {
		t.Errorf("health: %v", err)
	}
}
