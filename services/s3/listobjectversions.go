package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// ListObjectVersions   restXml
//
//   - all versions and delete markers, by key, the newest first; those of a bucket that
//     never had versions are null
//   - a version-id-marker needs a key-marker
//
// Not supported: RestoreStatus, since nothing is restored. Where a page ends with a version
// whose id is null, and that is deleted before the next page, the next page begins with the
// next key.
func (s *Service) ListObjectVersions(ctx context.Context, in *api.ListObjectVersionsInput) (*api.ListObjectVersionsOutput, error) {
	l, err := readListing(in.Prefix, in.Delimiter, in.EncodingType, in.MaxKeys, "max-keys")
	if err != nil {
		return nil, err
	}
	marker := kit.Value(in.KeyMarker)
	if in.VersionIdMarker != nil && marker == "" {
		return nil, invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", *in.VersionIdMarker)
	}
	b, err := s.find(ctx, request{action: "ListBucketVersions", bucket: in.Bucket, owner: in.ExpectedBucketOwner, conditions: l.conditions()})
	if err != nil {
		return nil, err
	}
	q := object.VersionsQuery{Prefix: l.prefix, Delimiter: l.delimiter, After: marker, Max: l.max}
	if id := kit.Value(in.VersionIdMarker); id != "" {
		if q.AfterVersion, err = b.ParseVersionID(id); err != nil {
			return nil, invalidArgument("Invalid version id specified", "version-id-marker", id)
		}
	}
	page, err := b.ListVersions(ctx, q)
	if err != nil {
		return nil, subject{bucket: *in.Bucket}.translate(err)
	}
	out := &api.ListObjectVersionsOutput{
		Name: in.Bucket, Prefix: l.encoding.text(l.prefix), Delimiter: l.encoding.optional(l.delimiter), KeyMarker: l.encoding.text(marker),
		VersionIdMarker: new(kit.Value(in.VersionIdMarker)), MaxKeys: new(int32(l.max)), EncodingType: l.encoding.name(), IsTruncated: &page.More,
		CommonPrefixes: l.prefixes(page.Prefixes),
	}
	shown := ownerOf(b.ID().Account)
	for i := range page.Versions {
		o := &page.Versions[i]
		if o.Marker {
			out.DeleteMarkers = append(out.DeleteMarkers, &api.DeleteMarkerEntry{
				Key: l.encoding.text(o.Key), VersionId: new(b.VersionID(*o)), IsLatest: &o.Latest, LastModified: shownTime(o.Modified), Owner: shown,
			})
			continue
		}
		out.Versions = append(out.Versions, &api.ObjectVersion{
			Key: l.encoding.text(o.Key), VersionId: new(b.VersionID(*o)), IsLatest: &o.Latest, LastModified: shownTime(o.Modified), Owner: shown,
			ETag: quoted(o.ETag), Size: &o.Size, StorageClass: new(shownClass(o.Headers)),
			ChecksumAlgorithm: shownAlgorithms(o.Checksum), ChecksumType: shownType(o.Checksum),
		})
	}
	if page.More {
		out.NextKeyMarker = l.encoding.text(page.Next)
		if page.NextVersion != (object.Version{}) {
			out.NextVersionIdMarker = new(b.VersionID(object.Object{Number: page.NextVersion.Number, Null: page.NextVersion.Null}))
		}
	}
	return out, nil
}
