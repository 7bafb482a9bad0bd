package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// ListObjects   restXml
//
//   - keys are in the order of their bytes, at most 1,000 a page
//   - keys that have the delimiter behind the prefix are grouped, and count as one
//   - NextMarker is there with a delimiter alone; else the last key is the next marker
//   - encoding-type=url is for keys that XML cannot hold
//
// Not supported: RestoreStatus, since nothing is restored.
func (s *Service) ListObjects(ctx context.Context, in *api.ListObjectsInput) (*api.ListObjectsOutput, error) {
	l, err := readListing(in.Prefix, in.Delimiter, in.EncodingType, in.MaxKeys, "max-keys")
	if err != nil {
		return nil, err
	}
	b, err := s.find(ctx, request{action: "ListBucket", bucket: in.Bucket, owner: in.ExpectedBucketOwner, conditions: l.conditions()})
	if err != nil {
		return nil, err
	}
	marker := kit.Value(in.Marker)
	page, err := b.List(ctx, object.ListQuery{Prefix: l.prefix, Delimiter: l.delimiter, After: marker, Max: l.max})
	if err != nil {
		return nil, subject{bucket: *in.Bucket}.translate(err)
	}
	out := &api.ListObjectsOutput{
		Name: in.Bucket, Prefix: l.encoding.text(l.prefix), Delimiter: l.encoding.optional(l.delimiter), Marker: l.encoding.text(marker),
		MaxKeys: new(int32(l.max)), EncodingType: l.encoding.name(), IsTruncated: &page.More,
		Contents: l.objects(page.Objects, ownerOf(b.ID().Account)), CommonPrefixes: l.prefixes(page.Prefixes),
	}
	if page.More && l.delimiter != "" {
		out.NextMarker = l.encoding.text(page.Next)
	}
	return out, nil
}
