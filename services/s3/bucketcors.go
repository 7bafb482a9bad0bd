package s3

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// maxCORSRules is how many rules a bucket may have
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html).
const maxCORSRules = 100

// PutBucketCors   restXml
//
//   - replaces all rules; 1 to 100 of them
//   - an origin and a header may have one *, an exposed header none
//   - methods are GET, PUT, HEAD, POST and DELETE
func (s *Service) PutBucketCors(ctx context.Context, in *api.PutBucketCorsInput) (*api.PutBucketCorsOutput, error) {
	err := s.update(ctx, corsRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) (err error) {
		if in.CORSConfiguration == nil {
			return noBody()
		}
		settings.CORS, err = corsRules(in.CORSConfiguration.CORSRules)
		return err
	})
	return &api.PutBucketCorsOutput{}, err
}

// GetBucketCors   restXml
//
//   - a bucket without rules is NoSuchCORSConfiguration
func (s *Service) GetBucketCors(ctx context.Context, in *api.GetBucketCorsInput) (*api.GetBucketCorsOutput, error) {
	settings, err := s.settings(ctx, corsRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	if len(settings.CORS) == 0 {
		return nil, notSet("NoSuchCORSConfiguration", "The CORS configuration does not exist", in.Bucket)
	}
	out := &api.GetBucketCorsOutput{}
	for _, r := range settings.CORS {
		rule := &api.CORSRule{
			ID: kit.Optional(r.ID), AllowedOrigins: r.Origins, AllowedMethods: r.Methods, AllowedHeaders: r.Headers, ExposeHeaders: r.Expose,
		}
		if r.MaxAge != nil {
			rule.MaxAgeSeconds = new(int32(*r.MaxAge))
		}
		out.CORSRules = append(out.CORSRules, rule)
	}
	return out, nil
}

// DeleteBucketCors   restXml
//
//   - succeeds without rules, too
func (s *Service) DeleteBucketCors(ctx context.Context, in *api.DeleteBucketCorsInput) (*api.DeleteBucketCorsOutput, error) {
	err := s.update(ctx, corsRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		settings.CORS = nil
		return nil
	})
	return &api.DeleteBucketCorsOutput{}, err
}

func corsRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "BucketCORS", bucket: bucket, owner: owner}
}

// corsRules checks the rules of a request.
func corsRules(rules []*api.CORSRule) ([]object.CORSRule, error) {
	if len(rules) == 0 {
		return nil, malformed()
	}
	if len(rules) > maxCORSRules {
		return nil, invalidRequest("The number of CORS rules should not exceed allowed limit of 100 rules.")
	}
	var all []object.CORSRule
	for _, r := range rules {
		if r == nil || len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 || len(kit.Value(r.ID)) > 255 {
			return nil, malformed()
		}
		if err := checkCORSRule(r); err != nil {
			return nil, err
		}
		rule := object.CORSRule{
			ID: kit.Value(r.ID), Origins: r.AllowedOrigins, Methods: r.AllowedMethods, Headers: r.AllowedHeaders, Expose: r.ExposeHeaders,
		}
		if r.MaxAgeSeconds != nil {
			rule.MaxAge = new(int(*r.MaxAgeSeconds))
		}
		all = append(all, rule)
	}
	return all, nil
}

// corsMethods are the methods that rules may allow.
var corsMethods = []string{http.MethodGet, http.MethodPut, http.MethodHead, http.MethodPost, http.MethodDelete}

func checkCORSRule(r *api.CORSRule) error {
	for _, m := range r.AllowedMethods {
		if !slices.Contains(corsMethods, m) {
			return invalidRequest("Found unsupported HTTP method in CORS config. Unsupported method is " + m)
		}
	}
	for _, o := range r.AllowedOrigins {
		if strings.Count(o, "*") > 1 {
			return invalidRequest(`AllowedOrigin "` + o + `" can not have more than one wildcard.`)
		}
	}
	for _, h := range r.AllowedHeaders {
		if strings.Count(h, "*") > 1 {
			return invalidRequest(`AllowedHeader "` + h + `" can not have more than one wildcard.`)
		}
	}
	for _, h := range r.ExposeHeaders {
		if strings.Contains(h, "*") {
			return invalidRequest(`ExposeHeader "` + h + `" contains wildcard. We currently do not support wildcard for ExposeHeader.`)
		}
	}
	return nil
}
