package s3

import (
	"cmp"
	"context"

	"millrace/runtime/object/checksum"
	api "millrace/services/internal/api/s3"
)

// UploadPartCopy   restXml
//
//   - a part is a source object, or the bytes of it that x-amz-copy-source-range names: both
//     ends are given, and within the source
//   - its checksum is computed, with the upload's algorithm
//   - conditions of the source: 412
//
// Not supported: access points as sources.
func (s *Service) UploadPartCopy(ctx context.Context, in *api.UploadPartCopyInput) (*api.UploadPartCopyOutput, error) {
	t, up, err := s.upload(ctx, "PutObject", in.Bucket, in.Key, in.UploadId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	number, err := readPartNumber(in.PartNumber)
	if err != nil {
		return nil, err
	}
	u := upload{bucket: t.bucket, encryption: up.Encryption, part: number, stored: cmp.Or(up.Algorithm, checksum.CRC64NVME)}
	key := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
	if u.customer, err = key.forPart(&up.Encryption); err != nil {
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
	r := byteRange{0, from.object.Size}
	if in.CopySourceRange != nil {
		if r, err = parseSourceRange(*in.CopySourceRange, from.object.Size); err != nil {
			return nil, err
		}
	}
	if r.to-r.from > maxCopy {
		return nil, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")
	}
	got, err := from.copyRange(ctx, &u, r)
	if err != nil {
		return nil, err
	}
	defer got.Discard()
	p, err := s.putPart(ctx, &t, number, got)
	if err != nil {
		return nil, err
	}
	result := &api.CopyPartResult{ETag: quoted(p.ETag), LastModified: shownTime(p.Modified)}
	if up.Algorithm != checksum.None {
		ofCopyPartResult(result).set(p.Checksum)
	}
	e := showEncryption(&up.Encryption)
	return &api.UploadPartCopyOutput{
		CopyPartResult: result, CopySourceVersionId: from.shownID(),
		ServerSideEncryption: e.algorithm, SSEKMSKeyId: e.key, BucketKeyEnabled: e.bucketKey,
		SSECustomerAlgorithm: e.customerAlgorithm, SSECustomerKeyMD5: e.customerDigest,
	}, nil
}
