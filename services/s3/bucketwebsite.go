package s3

import (
	"context"
	"strings"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// PutBucketWebsite   restXml
//
//   - an index document, or a host that all requests are redirected to
//
// Not supported: the configuration is stored and returned; there is no website endpoint.
func (s *Service) PutBucketWebsite(ctx context.Context, in *api.PutBucketWebsiteInput) (*api.PutBucketWebsiteOutput, error) {
	err := s.update(ctx, websiteRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		if in.WebsiteConfiguration == nil {
			return noBody()
		}
		if err := checkWebsite(in.WebsiteConfiguration); err != nil {
			return err
		}
		return setDocument(settings, websiteDocument, in.WebsiteConfiguration)
	})
	return &api.PutBucketWebsiteOutput{}, err
}

// GetBucketWebsite   restXml
//
//   - as it was put; a bucket without one is NoSuchWebsiteConfiguration
func (s *Service) GetBucketWebsite(ctx context.Context, in *api.GetBucketWebsiteInput) (*api.GetBucketWebsiteOutput, error) {
	settings, err := s.settings(ctx, websiteRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	w, err := documentIn[api.WebsiteConfiguration](&settings, websiteDocument)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return nil, notSet("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration", in.Bucket)
	}
	return &api.GetBucketWebsiteOutput{
		ErrorDocument: w.ErrorDocument, IndexDocument: w.IndexDocument, RedirectAllRequestsTo: w.RedirectAllRequestsTo, RoutingRules: w.RoutingRules,
	}, nil
}

// DeleteBucketWebsite   restXml
//
//   - succeeds without a configuration, too
func (s *Service) DeleteBucketWebsite(ctx context.Context, in *api.DeleteBucketWebsiteInput) (*api.DeleteBucketWebsiteOutput, error) {
	err := s.update(ctx, websiteRequest("Delete", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		return setDocument[api.WebsiteConfiguration](settings, websiteDocument, nil)
	})
	return &api.DeleteBucketWebsiteOutput{}, err
}

func websiteRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "BucketWebsite", bucket: bucket, owner: owner}
}

func checkWebsite(w *api.WebsiteConfiguration) error {
	if all := w.RedirectAllRequestsTo; all != nil {
		switch protocol := kit.Value(all.Protocol); {
		case w.IndexDocument != nil || w.ErrorDocument != nil || w.RoutingRules != nil:
			return invalidRequest("RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.")
		case all.HostName == nil:
			return malformed()
		case all.Protocol != nil && protocol != "http" && protocol != "https":
			return invalidRequest("Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.")
		}
		return nil
	}
	if w.IndexDocument == nil {
		return invalidArgument("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty", "IndexDocument", "null")
	}
	if suffix := kit.Value(w.IndexDocument.Suffix); suffix == "" || strings.Contains(suffix, "/") {
		return invalidArgument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix)
	}
	if e := w.ErrorDocument; e != nil && kit.Value(e.Key) == "" {
		return invalidArgument("The ErrorDocument Key is not well formed", "ErrorDocument", "")
	}
	for _, r := range w.RoutingRules {
		if r == nil || r.Redirect == nil {
			return malformed()
		}
	}
	return nil
}
