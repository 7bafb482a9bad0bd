package s3

import (
	"context"
	"errors"
	"net/http"

	"millrace/runtime/object/jetobject"
	api "millrace/services/internal/api/s3"
)

// GetObject   restXml
//
//   - the content streams; when it cannot be read to its end, the connection is cut
//   - Range with one range, or partNumber, is 206 with Content-Range; several ranges, and
//     what is no range, are answered with the whole object
//   - conditions on the ETag go before those on the time: 412, or 304 without a body
//   - x-amz-checksum-mode: ENABLED shows the checksum of the whole object, or of a part that
//     has one of its own
//   - response-content-type and its like need a signature
//   - an object in GLACIER or DEEP_ARCHIVE is InvalidObjectState
//
// Not supported: restoring archived objects, replication, expiry by lifecycle rules: their
// headers never come.
func (s *Service) GetObject(ctx context.Context, in *api.GetObjectInput) (*api.GetObjectOutput, error) {
	const attempts = 3 // the object may be replaced between the look-up and the opening
	for n := 1; ; n++ {
		r, err := s.read(ctx, in, http.MethodGet)
		if err != nil {
			return nil, err
		}
		if isArchived(&r.object) {
			return nil, refusal("InvalidObjectState", http.StatusForbidden, "The operation is not valid for the object's storage class", "StorageClass", shownClass(r.object.Headers))
		}
		body, err := r.bucket.Open(ctx, r.object, r.from, r.to, r.customer)
		if errors.Is(err, jetobject.ErrReplaced) && n < attempts {
			continue
		}
		if err != nil {
			return nil, r.translate(err)
		}
		r.answer.Body = body
		return r.answer, nil
	}
}
