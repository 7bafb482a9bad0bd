// Package mq is the API of Amazon MQ: it checks requests as AWS does, calls
// millrace/runtime/broker, and translates its errors to AWS's. It has a file per
// operation; the comment of each describes its behaviour.
//
// What brokers and configurations can be is told by the tables of
// millrace/runtime/broker/catalog, which the catalogue operations print. Enumerations are
// taken in any case, and answered as AWS answers them: ActiveMQ and RabbitMQ, simple,
// ebs; the rest in capitals.
//
// An account may do with its brokers what it likes: identity policies are not evaluated,
// and brokers have no policies of their own. Other accounts' are Forbidden.
package mq

import (
	"context"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// Options say how Amazon MQ answers.
type Options struct {
	Strict    bool // refuse what Amazon does not make anymore: RabbitMQ on mq.t3.micro
	LiveUsers bool // the calls for users of RabbitMQ brokers reach the broker, at once
	NoQuotas  bool // as many brokers, users and revisions as anybody likes
}

// A Service answers Amazon MQ's operations. It holds no state.
type Service struct {
	api.Unimplemented
	brokers *broker.Brokers
	configs *broker.Configurations
	options Options
}

// New serves the given brokers and their configurations.
func New(b *broker.Brokers, o Options) *Service {
	return &Service{brokers: b, configs: b.Configurations, options: o}
}

// Model implements gateway.Service.
func (*Service) Model() *wire.Service { return api.Service }

func (s *Service) catalog() catalog.Catalog { return catalog.Catalog{Strict: s.options.Strict} }

// quota is a limit, or 0 for none.
func (s *Service) quota(n int) int {
	if s.options.NoQuotas {
		return 0
	}
	return n
}

// broker finds the broker that a request names.
func (s *Service) broker(ctx context.Context, id *string) (broker.Broker, error) {
	c := identity.From(ctx)
	b, err := s.brokers.Get(ctx, c.Account, c.Region, kit.Value(id))
	return b, failure(err)
}
