package s3

import (
	"context"
	"net/http"
	"time"

	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
)

// overrides are headers of the answer that the request asks for: response-content-type and
// its like.
type overrides struct {
	contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage *string

	expires *time.Time
}

func overridesOf(in *api.GetObjectInput) *overrides {
	return &overrides{in.ResponseContentType, in.ResponseCacheControl, in.ResponseContentDisposition, in.ResponseContentEncoding, in.ResponseContentLanguage, in.ResponseExpires}
}

// check refuses them from a caller who has not signed.
func (v *overrides) check(ctx context.Context) error {
	if *v != (overrides{}) && identity.From(ctx).Anonymous {
		return invalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
	}
	return nil
}

func (v *overrides) apply(out *api.GetObjectOutput) {
	for _, o := range []struct{ from, to **string }{
		{&v.contentType, &out.ContentType}, {&v.cacheControl, &out.CacheControl}, {&v.contentDisposition, &out.ContentDisposition},
		{&v.contentEncoding, &out.ContentEncoding}, {&v.contentLanguage, &out.ContentLanguage},
	} {
		if *o.from != nil {
			*o.to = *o.from
		}
	}
	if v.expires != nil {
		out.Expires = new(v.expires.UTC().Format(http.TimeFormat))
	}
}
