package sqs

import (
	"context"

	"millrace/runtime/queue"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// GetQueueUrl   awsJson1_0, awsQuery
//
//   - finds a queue by its name, in the caller's account or in
//     QueueOwnerAWSAccountId
func (s *Service) GetQueueUrl(ctx context.Context, in *api.GetQueueUrlInput) (*api.GetQueueUrlOutput, error) {
	c := identity.From(ctx)
	if in.QueueName == nil {
		return nil, missingParam("QueueName")
	}
	id := queue.ID{Account: c.Account, Region: c.Region, Name: *in.QueueName}
	if owner := kit.Value(in.QueueOwnerAWSAccountId); owner != "" {
		id.Account = owner
	}
	q, err := s.queues.Get(id)
	if err != nil {
		return nil, fromDomain(err, c.Query)
	}
	if err := s.authorize(&c, q, "GetQueueUrl"); err != nil {
		return nil, err
	}
	return &api.GetQueueUrlOutput{QueueUrl: new(s.options.URLs.url(c, id))}, nil
}
