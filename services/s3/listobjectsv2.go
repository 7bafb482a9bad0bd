package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// ListObjectsV2   restXml
//
//   - as ListObjects, with tokens for markers; start-after is for the first page
//   - KeyCount counts keys and groups
//   - owners are shown with fetch-owner=true
//
// Not supported: RestoreStatus, since nothing is restored.
func (s *Service) ListObjectsV2(ctx context.Context, in *api.ListObjectsV2Input) (*api.ListObjectsV2Output, error) {
	l, err := readListing(in.Prefix, in.Delimiter, in.EncodingType, in.MaxKeys, "max-keys")
	if err != nil {
		return nil, err
	}
	after := kit.Value(in.StartAfter)
	if in.ContinuationToken != nil {
		if after, err = parseToken(*in.ContinuationToken); err != nil {
			return nil, err
		}
	}
	b, err := s.find(ctx, request{action: "ListBucket", bucket: in.Bucket, owner: in.ExpectedBucketOwner, conditions: l.conditions()})
	if err != nil {
		return nil, err
	}
	page, err := b.List(ctx, object.ListQuery{Prefix: l.prefix, Delimiter: l.delimiter, After: after, Max: l.max})
	if err != nil {
		return nil, subject{bucket: *in.Bucket}.translate(err)
	}
	var shown *api.Owner
	if kit.Value(in.FetchOwner) {
		shown = ownerOf(b.ID().Account)
	}
	out := &api.ListObjectsV2Output{
		Name: in.Bucket, Prefix: l.encoding.text(l.prefix), Delimiter: l.encoding.optional(l.delimiter),
		MaxKeys: new(int32(l.max)), KeyCount: new(int32(len(page.Objects) + len(page.Prefixes))), EncodingType: l.encoding.name(), IsTruncated: &page.More,
		ContinuationToken: in.ContinuationToken,
		Contents:          l.objects(page.Objects, shown), CommonPrefixes: l.prefixes(page.Prefixes),
	}
	if in.StartAfter != nil {
		out.StartAfter = l.encoding.optional(*in.StartAfter)
	}
	if page.More {
		out.NextContinuationToken = new(continuationToken(page.Next))
	}
	return out, nil
}
