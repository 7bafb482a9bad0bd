package mq

import (
	"context"

	api "millrace/services/internal/api/mq"
)

// DescribeSharedResources   restJson1
//
//   - always an empty list
//
// Not supported: resource shares, which give a broker a way into a private network.
func (s *Service) DescribeSharedResources(ctx context.Context, in *api.DescribeSharedResourcesInput) (*api.DescribeSharedResourcesOutput, error) {
	if _, err := s.broker(ctx, in.BrokerId); err != nil {
		return nil, err
	}
	none := []*api.SharedResource{}
	p, err := page(none, func(*api.SharedResource) string { return "" }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &api.DescribeSharedResourcesOutput{SharedResources: none, NextToken: p.next}, nil
}
