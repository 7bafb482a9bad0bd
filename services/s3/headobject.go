package s3

import (
	"context"
	"net/http"

	api "millrace/services/internal/api/s3"
)

// HeadObject   restXml
//
//   - answers the headers of GetObject, and has no body: errors neither
//   - shows archived objects too
//   - partNumber also says how many parts there are, x-amz-mp-parts-count
//
// Not supported: as of GetObject.
func (s *Service) HeadObject(ctx context.Context, in *api.HeadObjectInput) (*api.HeadObjectOutput, error) {
	r, err := s.read(ctx, (*api.GetObjectInput)(in), http.MethodHead)
	if err != nil {
		return nil, err
	}
	a := r.answer
	return &api.HeadObjectOutput{
		AcceptRanges: a.AcceptRanges, BucketKeyEnabled: a.BucketKeyEnabled, CacheControl: a.CacheControl,
		ChecksumCRC32: a.ChecksumCRC32, ChecksumCRC32C: a.ChecksumCRC32C, ChecksumCRC64NVME: a.ChecksumCRC64NVME, ChecksumMD5: a.ChecksumMD5,
		ChecksumSHA1: a.ChecksumSHA1, ChecksumSHA256: a.ChecksumSHA256, ChecksumSHA512: a.ChecksumSHA512, ChecksumType: a.ChecksumType,
		ChecksumXXHASH128: a.ChecksumXXHASH128, ChecksumXXHASH3: a.ChecksumXXHASH3, ChecksumXXHASH64: a.ChecksumXXHASH64,
		ContentDisposition: a.ContentDisposition, ContentEncoding: a.ContentEncoding, ContentLanguage: a.ContentLanguage,
		ContentLength: a.ContentLength, ContentRange: a.ContentRange, ContentType: a.ContentType, ETag: a.ETag, Expires: a.Expires,
		LastModified: a.LastModified, Metadata: a.Metadata, PartsCount: a.PartsCount,
		SSECustomerAlgorithm: a.SSECustomerAlgorithm, SSECustomerKeyMD5: a.SSECustomerKeyMD5, SSEKMSKeyId: a.SSEKMSKeyId, ServerSideEncryption: a.ServerSideEncryption,
		StorageClass: a.StorageClass, TagCount: a.TagCount, VersionId: a.VersionId, WebsiteRedirectLocation: a.WebsiteRedirectLocation,
	}, nil
}
