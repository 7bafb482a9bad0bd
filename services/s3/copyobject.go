package s3

import (
	"cmp"
	"context"

	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// CopyObject   restXml
//
//   - the content streams from the source to the copy and is hashed and encrypted anew: the
//     copy of a multipart object is in one piece, and its ETag the MD5 of its bytes
//   - headers and tags are the source's unless their directives say REPLACE; storage class,
//     redirect and encryption are the request's, or the bucket's
//   - the checksum has the source's algorithm unless the request names one
//   - conditions of the source and of the target; the latter are decided in the commit
//   - an object can be copied to itself when something about it changes
//
// Not supported: access points as sources, ACLs, Object Lock, annotations.
func (s *Service) CopyObject(ctx context.Context, in *api.CopyObjectInput) (*api.CopyObjectOutput, error) {
	t, err := s.target(ctx, "PutObject", in.Bucket, in.Key, nil, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := checkACL(t.bucket, in.ACL, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWriteACP); err != nil {
		return nil, err
	}
	if err := checkLock(in.ObjectLockMode, in.ObjectLockLegalHoldStatus, in.ObjectLockRetainUntilDate); err != nil {
		return nil, err
	}
	put := &object.Put{Event: notify.ObjectCreatedCopy, By: causer(ctx)}
	if put.Condition, err = writeCondition(in.IfMatch, in.IfNoneMatch); err != nil {
		return nil, err
	}
	if err := checkDirectives(in); err != nil {
		return nil, err
	}
	u := upload{bucket: t.bucket}
	wanted := wantedEncryption{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}}
	if u.encryption, u.customer, err = s.encryption(ctx, t.bucket, &wanted); err != nil {
		return nil, err
	}
	from, err := s.source(ctx, &wantedSource{
		name: in.CopySource, owner: in.ExpectedSourceBucketOwner,
		condition: readCondition{in.CopySourceIfMatch, in.CopySourceIfNoneMatch, in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince},
		customer:  customerKey{in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5},
	})
	if err != nil {
		return nil, err
	}
	if from.object.Size > maxCopy {
		return nil, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")
	}
	if changesNothing(in, &t, from, wanted.given()) {
		return nil, invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	o := object.Object{Key: t.key, Encryption: u.encryption}
	if err := copyDescription(in, &o, &from.object); err != nil {
		return nil, err
	}
	named, err := parseAlgorithm(in.ChecksumAlgorithm)
	if err != nil {
		return nil, err
	}
	u.stored = cmp.Or(named, from.object.Checksum.Algorithm, checksum.CRC64NVME)
	r, err := from.copyRange(ctx, &u, byteRange{0, from.object.Size})
	if err != nil {
		return nil, err
	}
	defer r.Discard()
	o.Modified = s.now()
	if err := t.put(ctx, put, o, r); err != nil {
		return nil, err
	}
	return copyAnswer(&t, from, &put.Stored), nil
}

func checkDirectives(in *api.CopyObjectInput) error {
	if d := in.MetadataDirective; d != nil && *d != "COPY" && *d != "REPLACE" {
		return invalidArgument("Unknown metadata directive.", "x-amz-metadata-directive", *d)
	}
	if d := in.TaggingDirective; d != nil && *d != "COPY" && *d != "REPLACE" {
		return invalidArgument("Unknown tagging directive.", "x-amz-tagging-directive", *d)
	}
	return nil
}

// changesNothing reports whether a copy would make the object that is there already.
func changesNothing(in *api.CopyObjectInput, t *target, from *source, encryption bool) bool {
	return t.bucket == from.bucket && t.key == from.key && from.object.Latest &&
		kit.Value(in.MetadataDirective) != "REPLACE" && in.StorageClass == nil && in.WebsiteRedirectLocation == nil && !encryption
}

// copyDescription gives the copy its headers and tags.
func copyDescription(in *api.CopyObjectInput, o, from *object.Object) (err error) {
	headers := storedHeaders{storageClass: in.StorageClass, redirect: in.WebsiteRedirectLocation}
	if kit.Value(in.MetadataDirective) == "REPLACE" {
		headers = storedHeaders{in.ContentType, in.CacheControl, in.ContentDisposition, in.ContentEncoding, in.ContentLanguage, in.Expires, in.StorageClass, in.WebsiteRedirectLocation, in.Metadata}
	}
	if o.Headers, err = headers.read(); err != nil {
		return err
	}
	if kit.Value(in.MetadataDirective) != "REPLACE" && from.Headers != nil {
		copied := *from.Headers
		copied.StorageClass, copied.WebsiteRedirect = o.Headers.StorageClass, o.Headers.WebsiteRedirect
		o.Headers = &copied
	}
	if o.Tags = from.Tags; kit.Value(in.TaggingDirective) == "REPLACE" {
		o.Tags, err = headerTags(in.Tagging)
	}
	return err
}

func copyAnswer(t *target, from *source, o *object.Object) *api.CopyObjectOutput {
	e := showEncryption(&o.Encryption)
	result := &api.CopyObjectResult{ETag: quoted(o.ETag), LastModified: shownTime(o.Modified), ChecksumType: shownType(o.Checksum)}
	ofCopyObjectResult(result).set(o.Checksum)
	return &api.CopyObjectOutput{
		CopyObjectResult: result, CopySourceVersionId: from.shownID(), VersionId: shownVersion(t.bucket, o),
		ServerSideEncryption: e.algorithm, SSEKMSKeyId: e.key, SSEKMSEncryptionContext: e.context, BucketKeyEnabled: e.bucketKey,
		SSECustomerAlgorithm: e.customerAlgorithm, SSECustomerKeyMD5: e.customerDigest,
	}
}
