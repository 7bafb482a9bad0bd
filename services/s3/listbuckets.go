package s3

import (
	"context"
	"slices"
	"strings"

	"millrace/runtime/object/jetobject"
	"millrace/runtime/object/notify"
	"millrace/runtime/object/owner"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// maxBuckets is how many buckets a page has at most.
const maxBuckets = 10000

// ListBuckets   restXml
//
//   - the caller's buckets of all regions by name, or of the one that bucket-region names
//   - pages of max-buckets; without any parameter all buckets come at once
func (s *Service) ListBuckets(ctx context.Context, in *api.ListBucketsInput) (*api.ListBucketsOutput, error) {
	c := identity.From(ctx)
	if c.Anonymous && !s.config.PoliciesOff {
		return nil, accessDenied()
	}
	limit, err := bucketsLimit(in)
	if err != nil {
		return nil, err
	}
	if in.BucketRegion != nil && !slices.Contains(regions, *in.BucketRegion) && *in.BucketRegion != c.Region {
		return nil, refusal("InvalidArgument", 400, "Argument value "+*in.BucketRegion+" is not a valid AWS Region", "ArgumentName", "bucket-region")
	}
	after := ""
	if token := kit.Value(in.ContinuationToken); token != "" {
		if after, err = kit.DecodeMarker(token); err != nil {
			return nil, refusal("InvalidArgument", 400, "The continuation token provided is incorrect", "ArgumentName", "continuation-token")
		}
	}
	prefix := kit.Value(in.Prefix)
	all := slices.DeleteFunc(s.buckets.All(), func(b jetobject.Info) bool {
		return b.ID.Account != c.Account || !strings.HasPrefix(b.ID.Name, prefix) || in.BucketRegion != nil && b.ID.Region != *in.BucketRegion
	})
	page, next := kit.Page(all, func(b jetobject.Info) string { return b.ID.Name }, after, limit)
	out := &api.ListBucketsOutput{Owner: &api.Owner{ID: new(owner.CanonicalUserID(c.Account))}, Prefix: in.Prefix, Buckets: []*api.Bucket{}}
	for _, b := range page {
		out.Buckets = append(out.Buckets, &api.Bucket{
			Name: new(b.ID.Name), CreationDate: new(b.Created), BucketRegion: new(b.ID.Region), BucketArn: new(notify.BucketARN(b.ID.Name)),
		})
	}
	if next != "" {
		out.ContinuationToken = new(kit.EncodeMarker(next))
	}
	return out, nil
}

// bucketsLimit is how many buckets the page may have.
func bucketsLimit(in *api.ListBucketsInput) (int, error) {
	switch n := in.MaxBuckets; {
	case n == nil:
		return maxBuckets, nil
	case *n < 1 || *n > maxBuckets:
		return 0, refusal("InvalidArgument", 400, "max-buckets must be between 1 and 10000", "ArgumentName", "max-buckets")
	default:
		return int(*n), nil
	}
}
