package crash

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"millrace/test/crash/ledger"
)

// An upload is what is put: the bytes, and how many contents of its own it is kept in.
type upload struct {
	name  string // that its bytes are made of
	size  int
	md5   string // of all its bytes
	blobs int
}

// maxInline is up to how many bytes have no file of their own.
const maxInline = 64 << 10

func newUpload(name string, size int) (u upload, body []byte) {
	body = bytesOf(name, size)
	sum := md5.Sum(body)
	u = upload{name: name, size: size, md5: hex.EncodeToString(sum[:])}
	if size > maxInline {
		u.blobs = 1
	}
	return u, body
}

// bytesOf are always the same for a name, and unlike those of another one.
func bytesOf(name string, size int) []byte {
	body := make([]byte, size)
	rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(body)
	copy(body, name)
	return body
}

// make notes what is uploaded to a bucket, under the ETag that it has there.
func (b *testedBucket) make(etag string, u upload, body []byte) ledger.Content {
	b.made.Store(etag, u)
	return ledger.Content{ETag: etag, Size: int64(len(body)), Sum: sha256.Sum256(body)}
}

// crowd writes to all buckets, until it is cut off.
func (w *objectWorld) crowd(round int) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, b := range w.buckets {
		for i := range 3 {
			d := dice(w.t, fmt.Sprint("write ", b.name, round, i))
			all.Go(func() { w.keepWriting(b, d, fmt.Sprint("writer ", i)) })
		}
		d := dice(w.t, fmt.Sprint("upload ", b.name, round))
		all.Go(func() { w.keepUploading(b, d) })
	}
	return &all
}

// someKey is one of the few keys that a writer has for itself.
func someKey(d *rand.Rand, writer string) string {
	n := d.IntN(8)
	return fmt.Sprintf("%s%s/é+%d.%s", []string{"photos/", "photos/", "docs/", "news/", "quiet/"}[n%5], writer, n, []string{"jpg", "txt"}[n/4])
}

// someSize is one of those that are kept in different ways.
func someSize(d *rand.Rand) int {
	switch n := d.IntN(20); {
	case n < 12:
		return 40 + d.IntN(2000)
	case n < 16:
		return maxInline - 1 + d.IntN(3)
	case n < 19:
		return 300_000 + d.IntN(1000)
	}
	return 3 << 20
}

// keepWriting changes the objects of a writer in every way but by multipart uploads.
func (w *objectWorld) keepWriting(b *testedBucket, d *rand.Rand, writer string) {
	for ok := true; ok; {
		key := someKey(d, writer)
		switch n := d.IntN(20); {
		case n < 9:
			ok = w.put(b, key, someSize(d))
		case n < 12:
			ok = w.copy(b, someKey(d, writer), key)
		case n < 15:
			ok = w.delete(b, key, b.versioned && d.IntN(2) == 0)
		case n < 17:
			keys := []string{key}
			for range 3 {
				keys = append(keys, someKey(d, writer))
			}
			slices.Sort(keys)
			ok = w.deleteMany(b, slices.Compact(keys))
		default:
			ok = w.tag(b, key, fmt.Sprint("tag ", d.IntN(1000)))
		}
	}
}

// keepUploading makes multipart uploads, of which some are completed, some aborted, and some
// left for later: after a kill too.
func (w *objectWorld) keepUploading(b *testedBucket, d *rand.Rand) {
	later := b.books.Uploads()
	slices.SortFunc(later, func(a, b ledger.Upload) int { return strings.Compare(a.ID, b.ID) })
	for _, u := range later {
		if d.IntN(3) > 0 && !w.end(b, d, u) {
			return
		}
	}
	for n := 0; ; n++ {
		u, ok := w.begin(b, fmt.Sprintf("docs/upload %d", d.IntN(4)))
		if !ok {
			return
		}
		parts := []int{40 + d.IntN(2000)}
		if n%3 == 0 { // only the last one may be short
			parts = []int{5 << 20, maxInline + d.IntN(2)}
		}
		for i, size := range parts {
			if !w.uploadPart(b, u, i+1, size) {
				return
			}
			if d.IntN(8) == 0 && !w.uploadPart(b, u, i+1, size) { // once more
				return
			}
		}
		if d.IntN(4) > 0 && !w.end(b, d, w.open(b, u.ID)) {
			return
		}
	}
}

// open is what the books say of an upload.
func (w *objectWorld) open(b *testedBucket, id string) ledger.Upload {
	for _, u := range b.books.Uploads() {
		if u.ID == id {
			return u
		}
	}
	w.t.Errorf("upload %s is not open", id)
	return ledger.Upload{ID: id}
}

// end completes or aborts an upload.
func (w *objectWorld) end(b *testedBucket, d *rand.Rand, u ledger.Upload) bool {
	if len(u.Parts) == 0 || d.IntN(4) == 0 || w.short(b, u) {
		return w.abort(b, u)
	}
	return w.complete(b, u)
}

// short reports whether a part that is not the last has less than 5 MiB: nobody may complete
// such an upload.
func (*objectWorld) short(b *testedBucket, u ledger.Upload) bool {
	last := 0
	for n := range u.Parts {
		last = max(last, n)
	}
	for n, etag := range u.Parts {
		part, _ := b.made.Load(etag)
		if n < last && part.(upload).size < 5<<20 {
			return true
		}
	}
	return false
}
