package conformance

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"millrace/test/testenv"
)

// slowSize is how long what comes slowly is, in bytes: more than stays in memory.
const slowSize = 1 << 20

// sign says who a request without an SDK is from. Nobody verifies the signature.
func sign(r *http.Request) {
	now := time.Now().UTC()
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=000000000000/"+now.Format("20060102")+
		"/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="+strings.Repeat("0", 64))
}

// blobFiles is how many files of objects a data folder has.
func blobFiles(dir string) (n int) {
	filepath.WalkDir(filepath.Join(dir, "objects"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return nil
	})
	return n
}

// A client that stops sending, and one that goes away, in the middle of a long object: others
// are served meanwhile, and neither leaves an object or a file.
func TestUploadsThatStop(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		leave bool
	}{"sends nothing more": {after: time.Minute}, "goes away": {after: time.Second, leave: true}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
				client := bucket(t, env)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				body, sender := io.Pipe()
				r, err := http.NewRequestWithContext(ctx, http.MethodPut, env.Endpoint+"/box/slow", body)
				if err != nil {
					t.Fatal(err)
				}
				r.ContentLength = slowSize
				sign(r)
				status := make(chan int, 1)
				go func() {
					code := 0 // no answer
					if answer, err := env.HTTP.Do(r); err == nil {
						io.Copy(io.Discard, answer.Body)
						answer.Body.Close()
						code = answer.StatusCode
					}
					status <- code
				}()
				if _, err := sender.Write(make([]byte, slowSize/2)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if n := blobFiles(dir); n != 1 {
					t.Errorf("%d files while it is uploaded, want 1", n)
				}
				putText(t, client, "meanwhile", "served")
				wantEqual(t, "an object beside it", getText(t, client, "meanwhile"), "served")
				if c.leave {
					leave()
				}
				time.Sleep(c.after)
				synctest.Wait()
				sender.Close()
				if got := <-status; !c.leave && got != http.StatusBadRequest {
					t.Errorf("answered %d", got)
				}
				if n := blobFiles(dir); n != 0 {
					t.Errorf("%d files are left", n)
				}
				if _, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: new("box"), Key: new("slow")}); err == nil {
					t.Error("half an upload is an object")
				}
			}, testenv.WithData(dir))
		})
	}
}

// A client that stops reading in the middle of a long object is given up, and its file with it;
// others are served meanwhile.
func TestDownloadsThatStop(t *testing.T) {
	dir := t.TempDir()
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		client := bucket(t, env)
		putText(t, client, "long", strings.Repeat("x", slowSize))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env.Endpoint+"/box/long", nil)
		if err != nil {
			t.Fatal(err)
		}
		sign(r)
		answer, err := env.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		wantEqual(t, "status", answer.Status, "200 OK")
		if _, err := io.CopyN(io.Discard, answer.Body, 10); err != nil {
			t.Fatal(err)
		}
		if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: new("box"), Key: new("long")}); err != nil {
			t.Fatal(err)
		}
		putText(t, client, "meanwhile", "served")
		wantEqual(t, "an object beside it", getText(t, client, "meanwhile"), "served")
		synctest.Wait()
		if n := blobFiles(dir); n != 1 {
			t.Errorf("%d files while it is read, want 1", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := blobFiles(dir); n != 0 {
			t.Errorf("%d files are left of what nobody reads", n)
		}
		if n, err := io.Copy(io.Discard, answer.Body); err == nil {
			t.Errorf("%d bytes came, and no error", n)
		}
	}, testenv.WithData(dir))
}
