package mq

import (
	"context"

	api "millrace/services/internal/api/mq"
)

// RebootBroker   restJson1
//
//   - of a broker that is RUNNING or CRITICAL_ACTION_REQUIRED; all that is pending takes
//     effect. When the broker does not come up with it, it runs as before, requires
//     action, and may be rebooted again
//   - a cluster starts one node after the other anew, so that two serve; but with another
//     version of the software, all at once
//   - refused while a memory or disk alarm or an invalid KMS key requires action
func (s *Service) RebootBroker(ctx context.Context, in *api.RebootBrokerInput) (*api.RebootBrokerOutput, error) {
	b, err := s.broker(ctx, in.BrokerId)
	if err != nil {
		return nil, err
	}
	if err := s.brokers.Reboot(ctx, b); err != nil {
		return nil, failure(err)
	}
	return &api.RebootBrokerOutput{}, nil
}
