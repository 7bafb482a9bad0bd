package s3

import (
	"context"
	"net/http"
	"slices"

	"millrace/runtime/object"
	"millrace/runtime/object/checksum"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// objectAttributes are what GetObjectAttributes can be asked for.
var objectAttributes = []string{"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}

// GetObjectAttributes   restXml
//
//   - answers what x-amz-object-attributes names; the ETag has no quotation marks
//   - ObjectParts is there for multipart objects; parts are listed if they have checksums
func (s *Service) GetObjectAttributes(ctx context.Context, in *api.GetObjectAttributesInput) (*api.GetObjectAttributesOutput, error) {
	t, err := s.target(ctx, "GetObjectAttributes", in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(in.ObjectAttributes) == 0 {
		return nil, invalidRequest("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	for _, name := range in.ObjectAttributes {
		if !slices.Contains(objectAttributes, name) {
			return nil, refusal("InvalidArgument", http.StatusBadRequest, "Invalid attribute name specified.", "ArgumentName", "x-amz-object-attributes")
		}
	}
	o, err := t.look(ctx, http.MethodGet)
	if err != nil {
		return nil, err
	}
	key := customerKey{in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
	if _, err := key.forReading(&o.Encryption); err != nil {
		return nil, err
	}
	out := &api.GetObjectAttributesOutput{LastModified: new(o.Modified), VersionId: shownVersion(t.bucket, &o)}
	for _, name := range in.ObjectAttributes {
		switch name {
		case "ETag":
			out.ETag = new(o.ETag.String())
		case "Checksum":
			out.Checksum = shownChecksum(o.Checksum)
		case "ObjectParts":
			if out.ObjectParts, err = attributeParts(&o, in); err != nil {
				return nil, err
			}
		case "StorageClass":
			out.StorageClass = new(shownClass(o.Headers))
		case "ObjectSize":
			out.ObjectSize = &o.Size
		}
	}
	return out, nil
}

// shownChecksum is a checksum in a document of its own; nil for none.
func shownChecksum(v checksum.Value) *api.Checksum {
	if v.IsZero() {
		return nil
	}
	out := &api.Checksum{ChecksumType: shownType(v)}
	ofChecksum(out).set(v)
	return out
}

// attributeParts are a page of an object's parts; nil for an object that has none.
func attributeParts(o *object.Object, in *api.GetObjectAttributesInput) (*api.GetObjectAttributesParts, error) {
	limit, err := pageSize(in.MaxParts, "max-parts")
	if err != nil || len(o.Parts) == 0 {
		return nil, err
	}
	out := &api.GetObjectAttributesParts{TotalPartsCount: new(int32(len(o.Parts)))}
	if o.Checksum.Type != checksum.Composite { // without checksums of their own they are only counted
		return out, nil
	}
	marker := kit.Value(in.PartNumberMarker)
	out.MaxParts, out.PartNumberMarker, out.NextPartNumberMarker, out.IsTruncated = new(int32(limit)), &marker, new(int32(0)), new(false)
	for i := range o.Parts {
		p := &o.Parts[i]
		switch {
		case int32(p.Number) <= marker:
			continue
		case len(out.Parts) == limit:
			out.IsTruncated = new(true)
			return out, nil
		}
		one := &api.ObjectPart{PartNumber: new(int32(p.Number)), Size: &p.Size}
		ofObjectPart(one).set(p.Checksum)
		out.Parts, out.NextPartNumberMarker = append(out.Parts, one), one.PartNumber
	}
	return out, nil
}
