//lint:file-ignore SA1019 programs still use the manager that transfermanager has superseded

package conformance

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"millrace/test/testenv"
)

// What Go's upload managers put whole or in parts, each with checksums of its own, comes
// back through their downloads.
func TestUploadManagers(t *testing.T) {
	client := bucket(t, testenv.Start(t))
	chance := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{0, 1 << 10, 21 << 20} {
		content, key := make([]byte, size), strconv.Itoa(size)
		chance.Read(content)
		got := types.NewWriteAtBuffer(nil)
		transfers := transfermanager.New(client)
		if _, err := transfers.UploadObject(t.Context(), &transfermanager.UploadObjectInput{Bucket: new("box"), Key: &key, Body: bytes.NewReader(content)}); err != nil {
			t.Fatalf("transfermanager, %d bytes: %v", size, err)
		}
		if _, err := transfers.DownloadObject(t.Context(), &transfermanager.DownloadObjectInput{Bucket: new("box"), Key: &key, WriterAt: got}); err != nil {
			t.Fatalf("transfermanager, %d bytes back: %v", size, err)
		}
		if !bytes.Equal(got.Bytes(), content) {
			t.Errorf("transfermanager: %d bytes came back as %d", size, len(got.Bytes()))
		}
		back := manager.NewWriteAtBuffer(nil)
		if _, err := manager.NewUploader(client).Upload(t.Context(), &s3.PutObjectInput{Bucket: new("box"), Key: &key, Body: bytes.NewReader(content)}); err != nil {
			t.Fatalf("manager, %d bytes: %v", size, err)
		}
		if _, err := manager.NewDownloader(client).Download(t.Context(), back, &s3.GetObjectInput{Bucket: new("box"), Key: &key}); err != nil {
			t.Fatalf("manager, %d bytes back: %v", size, err)
		}
		if !bytes.Equal(back.Bytes(), content) {
			t.Errorf("manager: %d bytes came back as %d", size, len(back.Bytes()))
		}
	}
}
