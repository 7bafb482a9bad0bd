package crash

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"millrace/test/crash/ledger"
)

// check holds what the runtime says against the books: all there is, but of old versions one
// in five is read.
func (w *objectWorld) check(round int) {
	w.t.Helper()
	d := dice(w.t, fmt.Sprint("read ", round))
	for _, b := range w.buckets {
		w.read(b, func() bool { return d.IntN(5) == 0 })
	}
	w.hear()
	for _, b := range w.buckets {
		if err := b.books.Err(); err != nil {
			w.t.Errorf("%s, after kill %d: %v", b.name, round, err)
		}
	}
}

// read reads a bucket: of versions those that are chosen.
func (w *objectWorld) read(b *testedBucket, choose func() bool) {
	w.t.Helper()
	if b.versioned {
		w.readVersions(b, choose)
	} else {
		for _, key := range b.books.Keys() {
			b.books.Read(key, w.get(b, key, nil))
		}
	}
	b.books.Listed(w.listObjects(b))
	w.readUploads(b)
}

const page = 7 // of lists: so small that there are many

// listObjects returns the ETags of all objects by their keys.
func (w *objectWorld) listObjects(b *testedBucket) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	pages := s3.NewListObjectsV2Paginator(w.s3, &s3.ListObjectsV2Input{Bucket: &b.name, MaxKeys: aws.Int32(page)})
	for pages.HasMorePages() {
		got, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatalf("ListObjectsV2: %v", err)
		}
		for _, o := range got.Contents {
			if _, ok := all[*o.Key]; ok {
				w.t.Errorf("%s is listed twice", *o.Key)
			}
			all[*o.Key] = unquote(o.ETag)
		}
	}
	return all
}

func (w *objectWorld) readVersions(b *testedBucket, choose func() bool) {
	w.t.Helper()
	versions, markers := map[string][]ledger.Version{}, map[string][]ledger.Version{}
	for _, key := range b.books.Keys() {
		versions[key] = nil
	}
	pages := s3.NewListObjectVersionsPaginator(w.s3, &s3.ListObjectVersionsInput{Bucket: &b.name, MaxKeys: aws.Int32(page)})
	for pages.HasMorePages() {
		got, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatalf("ListObjectVersions: %v", err)
		}
		for _, v := range got.Versions {
			versions[*v.Key] = append(versions[*v.Key], ledger.Version{ID: *v.VersionId, ETag: unquote(v.ETag), Size: *v.Size, Latest: *v.IsLatest})
		}
		for _, m := range got.DeleteMarkers {
			markers[*m.Key] = append(markers[*m.Key], ledger.Version{ID: *m.VersionId, Latest: *m.IsLatest})
		}
	}
	for key := range markers {
		if _, ok := versions[key]; !ok {
			versions[key] = nil
		}
	}
	for key, all := range versions {
		b.books.Versions(key, all, markers[key])
		for _, v := range all {
			if !v.Latest && !choose() {
				continue
			}
			c := w.get(b, key, &v.ID)
			if c == nil {
				w.t.Errorf("%s: version %s is listed, and not there", key, v.ID)
				continue
			}
			b.books.ReadVersion(key, v.ID, *c)
		}
	}
}

func (w *objectWorld) readUploads(b *testedBucket) {
	w.t.Helper()
	keys := map[string]string{}
	pages := s3.NewListMultipartUploadsPaginator(w.s3, &s3.ListMultipartUploadsInput{Bucket: &b.name, MaxUploads: aws.Int32(page)})
	for pages.HasMorePages() {
		got, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatalf("ListMultipartUploads: %v", err)
		}
		for _, u := range got.Uploads {
			keys[*u.UploadId] = *u.Key
		}
	}
	b.books.ListedUploads(keys)
	for _, u := range b.books.Uploads() {
		etags := map[int]string{}
		parts := s3.NewListPartsPaginator(w.s3, &s3.ListPartsInput{Bucket: &b.name, Key: &u.Key, UploadId: &u.ID})
		for parts.HasMorePages() {
			got, err := parts.NextPage(w.t.Context())
			if err != nil {
				w.t.Fatalf("ListParts of %s: %v", u.Key, err)
			}
			for _, p := range got.Parts {
				etags[int(*p.PartNumber)] = unquote(p.ETag)
			}
		}
		b.books.ListedParts(u.ID, etags)
	}
}
