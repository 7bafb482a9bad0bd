package mq

import (
	"context"
	"fmt"

	"millrace/runtime/broker"
	api "millrace/services/internal/api/mq"
)

// ListConfigurationRevisions   restJson1
//
//   - in the order of their numbers
func (s *Service) ListConfigurationRevisions(ctx context.Context, in *api.ListConfigurationRevisionsInput) (*api.ListConfigurationRevisionsOutput, error) {
	c, err := s.configuration(ctx, in.ConfigurationId)
	if err != nil {
		return nil, err
	}
	byNumber := func(r broker.Revision) string { return fmt.Sprintf("%010d", r.Number) }
	p, err := page(s.configs.Revisions(c), byNumber, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListConfigurationRevisionsOutput{ConfigurationId: &c.ID, Revisions: []*api.ConfigurationRevision{}, MaxResults: p.most, NextToken: p.next}
	for _, r := range p.items {
		out.Revisions = append(out.Revisions, revisionOf(r))
	}
	return out, nil
}
