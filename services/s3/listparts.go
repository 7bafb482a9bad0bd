package s3

import (
	"context"
	"strconv"

	"millrace/runtime/object/checksum"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// ListParts   restXml
//
//   - parts by rising number, at most 1,000 a page
//   - their checksums are shown when the upload was created with an algorithm
//
// Not supported: lifecycle rules that abort uploads, whose headers never come.
func (s *Service) ListParts(ctx context.Context, in *api.ListPartsInput) (*api.ListPartsOutput, error) {
	limit, err := pageSize(in.MaxParts, "max-parts")
	if err != nil {
		return nil, err
	}
	after := int(kit.Value(in.PartNumberMarker))
	if after < 0 {
		return nil, invalidArgument("Argument part-number-marker must be an integer between 0 and 2147483647", "part-number-marker", strconv.Itoa(after))
	}
	t, u, err := s.upload(ctx, "ListMultipartUploadParts", in.Bucket, in.Key, in.UploadId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	page, err := t.bucket.ListParts(ctx, t.key, t.subject.upload, after, limit)
	if err != nil {
		return nil, t.translate(err)
	}
	account := t.bucket.ID().Account
	out := &api.ListPartsOutput{
		Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, Owner: ownerOf(account), Initiator: initiator(account), StorageClass: new(shownClass(u.Headers)),
		MaxParts: new(int32(limit)), PartNumberMarker: new(int32(after)), NextPartNumberMarker: new(int32(0)), IsTruncated: &page.More,
		ChecksumAlgorithm: kit.Optional(u.Algorithm.String()), ChecksumType: kit.Optional(u.Type.String()),
	}
	for i := range page.Parts {
		p := &page.Parts[i]
		one := &api.Part{PartNumber: new(int32(p.Number)), Size: &p.Size, ETag: quoted(p.ETag), LastModified: shownTime(p.Modified)}
		if u.Algorithm != checksum.None {
			ofPart(one).set(p.Checksum)
		}
		out.Parts, out.NextPartNumberMarker = append(out.Parts, one), one.PartNumber
	}
	return out, nil
}
