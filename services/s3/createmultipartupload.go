package s3

import (
	"context"
	"strings"

	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/owner"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
)

// CreateMultipartUpload   restXml
//
//   - keeps headers, tags, encryption and the checksum's algorithm and type for the object
//   - FULL_OBJECT checksums are for CRCs, COMPOSITE ones for all but CRC64NVME; an upload
//     without an algorithm ends with a CRC64NVME
//   - an upload lives until it is completed or aborted
//
// Not supported: ACLs, Object Lock, and lifecycle rules that abort uploads.
func (s *Service) CreateMultipartUpload(ctx context.Context, in *api.CreateMultipartUploadInput) (*api.CreateMultipartUploadOutput, error) {
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
	c := identity.From(ctx)
	u := object.Upload{Key: t.key, Created: s.now(), Initiator: owner.CallerID(userID(&c))}
	headers := storedHeaders{in.ContentType, in.CacheControl, in.ContentDisposition, in.ContentEncoding, in.ContentLanguage, in.Expires, in.StorageClass, in.WebsiteRedirectLocation, in.Metadata}
	if u.Headers, err = headers.read(); err != nil {
		return nil, err
	}
	if u.Tags, err = headerTags(in.Tagging); err != nil {
		return nil, err
	}
	if u.Algorithm, u.Type, err = uploadChecksum(in.ChecksumAlgorithm, in.ChecksumType); err != nil {
		return nil, err
	}
	wanted := wantedEncryption{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}}
	if u.Encryption, _, err = s.encryption(ctx, t.bucket, &wanted); err != nil {
		return nil, err
	}
	create := &object.CreateUpload{Upload: u}
	if err := t.bucket.Do(ctx, create); err != nil {
		return nil, t.translate(err)
	}
	if create.Err != nil {
		return nil, t.translate(create.Err)
	}
	e := showEncryption(&u.Encryption)
	out := &api.CreateMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: new(create.Created.ID),
		ServerSideEncryption: e.algorithm, SSEKMSKeyId: e.key, SSEKMSEncryptionContext: e.context, BucketKeyEnabled: e.bucketKey,
		SSECustomerAlgorithm: e.customerAlgorithm, SSECustomerKeyMD5: e.customerDigest,
	}
	if u.Algorithm != checksum.None {
		out.ChecksumAlgorithm, out.ChecksumType = new(u.Algorithm.String()), new(u.Type.String())
	}
	return out, nil
}

// uploadChecksum reads which checksum an upload shall have.
func uploadChecksum(algorithm, typ *string) (a checksum.Algorithm, t checksum.Type, err error) {
	if a, err = parseAlgorithm(algorithm); err != nil {
		return a, t, err
	}
	if typ == nil {
		return a, a.DefaultType(), nil
	}
	t, ok := checksum.ParseType(*typ)
	switch {
	case !ok:
		return a, t, invalidRequest("Value for x-amz-checksum-type header is invalid.")
	case a == checksum.None:
		return a, t, invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case !a.Allows(t):
		return a, t, invalidRequest("The " + t.String() + " checksum type cannot be used with the " + strings.ToLower(a.String()) + " checksum algorithm.")
	}
	return a, t, nil
}
