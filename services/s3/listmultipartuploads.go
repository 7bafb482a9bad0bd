package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// ListMultipartUploads   restXml
//
//   - uploads under way, by key, the oldest first
//   - upload-id-marker counts with a key-marker alone
func (s *Service) ListMultipartUploads(ctx context.Context, in *api.ListMultipartUploadsInput) (*api.ListMultipartUploadsOutput, error) {
	l, err := readListing(in.Prefix, in.Delimiter, in.EncodingType, in.MaxUploads, "max-uploads")
	if err != nil {
		return nil, err
	}
	b, err := s.find(ctx, request{action: "ListBucketMultipartUploads", bucket: in.Bucket, owner: in.ExpectedBucketOwner, conditions: l.conditions()})
	if err != nil {
		return nil, err
	}
	q := object.UploadsQuery{Prefix: l.prefix, Delimiter: l.delimiter, After: kit.Value(in.KeyMarker), Max: l.max}
	if q.After != "" {
		q.AfterUpload = kit.Value(in.UploadIdMarker)
	}
	page, err := b.ListUploads(ctx, q)
	if err != nil {
		return nil, subject{bucket: *in.Bucket}.translate(err)
	}
	out := &api.ListMultipartUploadsOutput{
		Bucket: in.Bucket, Prefix: l.encoding.text(l.prefix), Delimiter: l.encoding.optional(l.delimiter), KeyMarker: l.encoding.text(q.After),
		UploadIdMarker: new(kit.Value(in.UploadIdMarker)), MaxUploads: new(int32(l.max)), EncodingType: l.encoding.name(), IsTruncated: &page.More,
		CommonPrefixes: l.prefixes(page.Prefixes), NextKeyMarker: new(""), NextUploadIdMarker: new(""),
	}
	account := b.ID().Account
	for i := range page.Uploads {
		u := &page.Uploads[i]
		one := &api.MultipartUpload{
			Key: l.encoding.text(u.Key), UploadId: &u.ID, Initiated: shownTime(u.Created), Owner: ownerOf(account), Initiator: initiator(account),
			StorageClass: new(shownClass(u.Headers)), ChecksumAlgorithm: kit.Optional(u.Algorithm.String()), ChecksumType: kit.Optional(u.Type.String()),
		}
		out.Uploads = append(out.Uploads, one)
		out.NextKeyMarker, out.NextUploadIdMarker = one.Key, &u.ID
	}
	if page.More {
		out.NextKeyMarker, out.NextUploadIdMarker = l.encoding.text(page.Next), &page.NextUpload
	}
	return out, nil
}

// initiator is who began an upload: the account, as long as users have no names of their
// own.
func initiator(account string) *api.Initiator { return &api.Initiator{ID: ownerOf(account).ID} }
