package s3

import (
	"cmp"
	"context"

	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
)

// PutObject   restXml
//
//   - is answered once the object is stored, as durable as the runtime's --sync says
//   - the body streams: an object has at most 5 GiB, and its length is told before, by
//     Content-Length or x-amz-decoded-content-length
//   - Content-MD5, x-amz-content-sha256 and one checksum, in a header or a trailer, are
//     verified; an object without a checksum gets a CRC64NVME
//   - If-Match with an ETag and If-None-Match: * are decided in the commit
//   - a user's metadata have at most 2 KB, and tags are at most 10
//   - a client's own keys (SSE-C) are refused unless the bucket's encryption unblocks them
//
// Not supported: ACLs, which the defaults of buckets refuse on AWS too and other buckets
// ignore here; Object Lock; x-amz-write-offset-bytes, which is for directory buckets;
// lifecycle rules, so there is no x-amz-expiration.
func (s *Service) PutObject(ctx context.Context, in *api.PutObjectInput) (*api.PutObjectOutput, error) {
	t, err := s.target(ctx, "PutObject", in.Bucket, in.Key, nil, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if in.WriteOffsetBytes != nil {
		return nil, notImplementedHeader("x-amz-write-offset-bytes", "")
	}
	if err := checkACL(t.bucket, in.ACL, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWriteACP); err != nil {
		return nil, err
	}
	if err := checkLock(in.ObjectLockMode, in.ObjectLockLegalHoldStatus, in.ObjectLockRetainUntilDate); err != nil {
		return nil, err
	}
	put := &object.Put{Event: notify.ObjectCreatedPut, By: causer(ctx)}
	if put.Condition, err = writeCondition(in.IfMatch, in.IfNoneMatch); err != nil {
		return nil, err
	}
	headers := storedHeaders{in.ContentType, in.CacheControl, in.ContentDisposition, in.ContentEncoding, in.ContentLanguage, in.Expires, in.StorageClass, in.WebsiteRedirectLocation, in.Metadata}
	o := object.Object{Key: t.key}
	if o.Headers, err = headers.read(); err != nil {
		return nil, err
	}
	if o.Tags, err = headerTags(in.Tagging); err != nil {
		return nil, err
	}
	u := upload{bucket: t.bucket}
	wanted := wantedEncryption{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}}
	if u.encryption, u.customer, err = s.encryption(ctx, t.bucket, &wanted); err != nil {
		return nil, err
	}
	if u.digests, err = readDigests(identity.From(ctx).HTTP, in.ContentMD5, in.ChecksumAlgorithm, ofPutObject(in)); err != nil {
		return nil, err
	}
	u.stored = cmp.Or(u.digests.algorithm, checksum.CRC64NVME)
	r, err := s.receive(ctx, &u, in.Body)
	if err != nil {
		return nil, t.translate(err)
	}
	defer r.Discard()
	o.Encryption, o.Modified = u.encryption, s.now()
	if err := t.put(ctx, put, o, r); err != nil {
		return nil, err
	}
	return putAnswer(&t, &put.Stored), nil
}

// put stores an object with the content that was received.
func (t *target) put(ctx context.Context, put *object.Put, o object.Object, r *received) error {
	o.Size, o.ETag, o.Checksum = r.Size, r.ETag, r.checksum
	o.Content, put.Inline = r.Content()
	put.Object = o
	if err := t.bucket.Do(ctx, put); err != nil {
		return t.translate(err)
	}
	return t.translate(put.Err)
}

func putAnswer(t *target, o *object.Object) *api.PutObjectOutput {
	e := showEncryption(&o.Encryption)
	out := &api.PutObjectOutput{
		ETag: quoted(o.ETag), VersionId: shownVersion(t.bucket, o), ChecksumType: shownType(o.Checksum),
		ServerSideEncryption: e.algorithm, SSEKMSKeyId: e.key, SSEKMSEncryptionContext: e.context, BucketKeyEnabled: e.bucketKey,
		SSECustomerAlgorithm: e.customerAlgorithm, SSECustomerKeyMD5: e.customerDigest,
	}
	ofPutObjectOutput(out).set(o.Checksum)
	return out
}

// quoted is an ETag as answers have it, in quotation marks.
func quoted(e checksum.ETag) *string { return new(e.Quoted()) }
