package s3

import (
	"context"

	"millrace/runtime/object"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/kit"
)

// PutBucketRequestPayment   restXml
//
//   - BucketOwner or Requester
//
// Not supported: the payer is stored and returned; nobody pays, and requesters need not say
// that they do.
func (s *Service) PutBucketRequestPayment(ctx context.Context, in *api.PutBucketRequestPaymentInput) (*api.PutBucketRequestPaymentOutput, error) {
	err := s.update(ctx, paymentRequest("Put", in.Bucket, in.ExpectedBucketOwner), func(settings *object.Settings) error {
		if in.RequestPaymentConfiguration == nil {
			return noBody()
		}
		if payer := kit.Value(in.RequestPaymentConfiguration.Payer); payer != bucketOwner && payer != "Requester" {
			return malformed()
		}
		return setDocument(settings, paymentDocument, in.RequestPaymentConfiguration)
	})
	return &api.PutBucketRequestPaymentOutput{}, err
}

// bucketOwner pays unless something else is said.
const bucketOwner = "BucketOwner"

// GetBucketRequestPayment   restXml
//
//   - BucketOwner until something else is put
func (s *Service) GetBucketRequestPayment(ctx context.Context, in *api.GetBucketRequestPaymentInput) (*api.GetBucketRequestPaymentOutput, error) {
	settings, err := s.settings(ctx, paymentRequest("Get", in.Bucket, in.ExpectedBucketOwner))
	if err != nil {
		return nil, err
	}
	conf, err := documentIn[api.RequestPaymentConfiguration](&settings, paymentDocument)
	return &api.GetBucketRequestPaymentOutput{Payer: new(kit.ValueOr(kit.Value(conf).Payer, bucketOwner))}, err
}

func paymentRequest(verb string, bucket, owner *string) request {
	return request{action: verb + "BucketRequestPayment", bucket: bucket, owner: owner}
}
