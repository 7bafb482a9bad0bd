package mq

import (
	"context"
	"strings"

	api "millrace/services/internal/api/mq"
)

// Promote   restJson1
//
//   - refused: no broker is the replica of another
//
// Not supported: pairs of brokers in two regions, so nothing can be promoted.
func (s *Service) Promote(ctx context.Context, in *api.PromoteInput) (*api.PromoteOutput, error) {
	b, err := s.broker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	if err := required(text("mode", in.Mode)); err != nil {
		return nil, err
	}
	if _, err := member("mode", in.Mode, func(v string) (string, bool) {
		up := strings.ToUpper(v)
		return up, up == "SWITCHOVER" || up == "FAILOVER"
	}); err != nil {
		return nil, err
	}
	return nil, bad("broker-id", "Broker [%s] is not the replica of a data replication pair, and cannot be promoted.", b.ID)
}
