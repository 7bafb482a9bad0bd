package crash

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"millrace/test/crash/ledger"
)

// What is asked of S3. As with all methods of a client, false says that the request was cut
// off.

func unquote(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

func (b *testedBucket) newName() string { return fmt.Sprintf("%s %d", b.name, b.names.Add(1)) }

func (w *objectWorld) put(b *testedBucket, key string, size int) bool {
	u, body := newUpload(b.newName(), size)
	c := b.make(u.md5, u, body)
	written := b.books.Writing(ledger.ObjectWrite{Key: key, Event: "ObjectCreated:Put", Content: c})
	out, err := w.s3.PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(body)})
	if !w.must("PutObject", err) {
		return false
	}
	if etag := unquote(out.ETag); etag != c.ETag {
		w.t.Errorf("%s was put with ETag %s, want %s", key, etag, c.ETag)
	}
	written(aws.ToString(out.VersionId))
	return true
}

// copy copies an object, unless there is none, or its content was there before.
func (w *objectWorld) copy(b *testedBucket, from, to string) bool {
	c, version, ok := b.books.Object(from)
	if !ok || from == to {
		return true
	}
	made, _ := b.made.Load(c.ETag)
	u := made.(upload)
	if _, before := b.made.LoadOrStore(to+" had "+u.md5, true); before {
		return true
	}
	c.ETag, u.blobs = u.md5, 0 // one part, whatever it had
	if c.Size > maxInline {
		u.blobs = 1
	}
	b.made.Store(c.ETag, u)
	written := b.books.Writing(ledger.ObjectWrite{Key: to, Event: "ObjectCreated:Copy", Content: c})
	source := b.name + "/" + strings.ReplaceAll(url.PathEscape(from), "+", "%2B")
	if version != "" {
		source += "?versionId=" + version
	}
	out, err := w.s3.CopyObject(w.t.Context(), &s3.CopyObjectInput{Bucket: &b.name, Key: &to, CopySource: &source})
	if !w.must("CopyObject", err) {
		return false
	}
	if etag := unquote(out.CopyObjectResult.ETag); etag != c.ETag {
		w.t.Errorf("%s was copied to %s with ETag %s, want %s", from, to, etag, c.ETag)
	}
	written(aws.ToString(out.VersionId))
	return true
}

// deleting notes the deletion of a key's object, or of the version that it has.
func (b *testedBucket) deleting(key string, ofVersion bool) (version *string, deleted func(string)) {
	write := ledger.ObjectWrite{Key: key, Event: "ObjectRemoved:DeleteMarkerCreated"}
	if !b.versioned {
		write.Event = "ObjectRemoved:Delete"
	} else if _, id, ok := b.books.Object(key); ok && ofVersion {
		write.Event, write.Version, version = "ObjectRemoved:Delete", id, &id
	}
	return version, b.books.Writing(write)
}

func (w *objectWorld) delete(b *testedBucket, key string, ofVersion bool) bool {
	version, deleted := b.deleting(key, ofVersion)
	out, err := w.s3.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: &b.name, Key: &key, VersionId: version})
	if !w.must("DeleteObject", err) {
		return false
	}
	deleted(markerOf(version, out.VersionId))
	return true
}

// markerOf is the delete marker that a deletion has made; "" for none.
func markerOf(version, answered *string) string {
	if version != nil {
		return ""
	}
	return aws.ToString(answered)
}

func (w *objectWorld) deleteMany(b *testedBucket, keys []string) bool {
	in := &s3.DeleteObjectsInput{Bucket: &b.name, Delete: &types.Delete{}}
	done := map[string]func(string){}
	for i, key := range keys {
		version, deleted := b.deleting(key, i%2 == 0)
		in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: &key, VersionId: version})
		done[key] = deleted
	}
	out, err := w.s3.DeleteObjects(w.t.Context(), in)
	if !w.must("DeleteObjects", err) {
		return false
	}
	for _, e := range out.Errors {
		w.t.Errorf("DeleteObjects refused %s: %s %s", aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message))
	}
	for _, e := range out.Deleted {
		done[*e.Key](aws.ToString(e.DeleteMarkerVersionId))
	}
	return true
}

// tag gives an object a tag, if it is there.
func (w *objectWorld) tag(b *testedBucket, key, value string) bool {
	if _, _, ok := b.books.Object(key); !ok {
		return true
	}
	tagged := b.books.Tagging(key, value)
	_, err := w.s3.PutObjectTagging(w.t.Context(), &s3.PutObjectTaggingInput{
		Bucket: &b.name, Key: &key, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("tag"), Value: &value}}},
	})
	if !w.must("PutObjectTagging", err) {
		return false
	}
	tagged()
	return true
}

func (w *objectWorld) begin(b *testedBucket, key string) (u ledger.Upload, ok bool) {
	created := b.books.Creating(key)
	out, err := w.s3.CreateMultipartUpload(w.t.Context(), &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: &key})
	if !w.must("CreateMultipartUpload", err) {
		return u, false
	}
	created(*out.UploadId)
	return ledger.Upload{Key: key, ID: *out.UploadId, Parts: map[int]string{}}, true
}

func (w *objectWorld) uploadPart(b *testedBucket, u ledger.Upload, number, size int) bool {
	part, body := newUpload(b.newName(), size)
	b.make(part.md5, part, body)
	uploaded := b.books.Uploading(u.ID, number, part.md5)
	out, err := w.s3.UploadPart(w.t.Context(), &s3.UploadPartInput{
		Bucket: &b.name, Key: &u.Key, UploadId: &u.ID, PartNumber: aws.Int32(int32(number)), Body: bytes.NewReader(body),
	})
	if !w.must("UploadPart", err) {
		return false
	}
	if etag := unquote(out.ETag); etag != part.md5 {
		w.t.Errorf("part %d of %s was uploaded with ETag %s, want %s", number, u.Key, etag, part.md5)
	}
	uploaded()
	return true
}

func (w *objectWorld) complete(b *testedBucket, u ledger.Upload) bool {
	in := &s3.CompleteMultipartUploadInput{Bucket: &b.name, Key: &u.Key, UploadId: &u.ID, MultipartUpload: &types.CompletedMultipartUpload{}}
	var body, sums []byte
	var whole upload
	for _, n := range slices.Sorted(maps.Keys(u.Parts)) {
		etag := u.Parts[n]
		made, _ := b.made.Load(etag)
		part := made.(upload)
		body = append(body, bytesOf(part.name, part.size)...)
		sum, _ := hex.DecodeString(part.md5)
		sums = append(sums, sum...)
		whole.blobs += part.blobs
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{PartNumber: aws.Int32(int32(n)), ETag: &etag})
	}
	sum, of := md5.Sum(body), md5.Sum(sums)
	whole.md5 = hex.EncodeToString(sum[:])
	c := b.make(fmt.Sprintf("%x-%d", of, len(u.Parts)), whole, body)
	completed := b.books.Completing(u.ID, ledger.ObjectWrite{Key: u.Key, Event: "ObjectCreated:CompleteMultipartUpload", Content: c})
	out, err := w.s3.CompleteMultipartUpload(w.t.Context(), in)
	if !w.must("CompleteMultipartUpload", err) {
		return false
	}
	if etag := unquote(out.ETag); etag != c.ETag {
		w.t.Errorf("%s was completed with ETag %s, want %s", u.Key, etag, c.ETag)
	}
	completed(aws.ToString(out.VersionId))
	return true
}

func (w *objectWorld) abort(b *testedBucket, u ledger.Upload) bool {
	aborted := b.books.Aborting(u.ID)
	_, err := w.s3.AbortMultipartUpload(w.t.Context(), &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: &u.Key, UploadId: &u.ID})
	if !w.must("AbortMultipartUpload", err) {
		return false
	}
	aborted()
	return true
}

// get reads an object; nil when there is none.
func (w *objectWorld) get(b *testedBucket, key string, version *string) *ledger.Content {
	w.t.Helper()
	out, err := w.s3.GetObject(w.t.Context(), &s3.GetObjectInput{Bucket: &b.name, Key: &key, VersionId: version})
	if none := (*types.NoSuchKey)(nil); errors.As(err, &none) {
		return nil
	}
	if err != nil {
		w.t.Fatalf("GetObject %s: %v", key, err)
	}
	defer out.Body.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, out.Body)
	if err != nil {
		w.t.Errorf("reading %s: %v", key, err)
	}
	c := &ledger.Content{ETag: unquote(out.ETag), Size: size, Sum: [32]byte(sum.Sum(nil))}
	if aws.ToInt32(out.TagCount) > 0 {
		c.Tag = w.tagOf(b, key, version)
	}
	return c
}

func (w *objectWorld) tagOf(b *testedBucket, key string, version *string) string {
	w.t.Helper()
	out, err := w.s3.GetObjectTagging(w.t.Context(), &s3.GetObjectTaggingInput{Bucket: &b.name, Key: &key, VersionId: version})
	if err != nil || len(out.TagSet) != 1 {
		w.t.Errorf("the tags of %s: %v", key, err)
		return ""
	}
	return *out.TagSet[0].Value
}
