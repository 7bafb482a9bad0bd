// Package sns is the face of Amazon SNS: it checks requests as AWS does, asks the topics
// of millrace/runtime/topic, and answers in AWS's words. A file per operation; behaviour
// is told at its top.
//
// Who may do what is decided in one place, before anything else of a request is looked
// at: the account that owns a topic may, everybody else needs the topic's policy to allow
// it, and a Deny of the policy holds for both.
//
// The rules and texts come from AWS's documentation and from answers recorded from AWS;
// where the two differ, the recording wins.
package sns

import (
	"millrace/runtime/topic"
	api "millrace/services/internal/api/sns"
	"millrace/services/internal/wire"
)

// Options tune New. The zero Options are AWS's own ways.
type Options struct {
	PoliciesOff bool   // topic policies are stored and not evaluated
	Quotas      Quotas // other quotas than AWS's
	BaseURL     string // of links for subscribers whose Subscribe had no Host: "http://localhost:4566"
}

// A Service answers SNS requests. It keeps no state.
type Service struct {
	api.Unimplemented
	topics    *topic.Topics
	publisher publisher
	options   Options
	quotas    Quotas
}

// New serves the given topics.
func New(topics *topic.Topics, o Options) *Service {
	return &Service{topics: topics, publisher: topics, options: o, quotas: o.Quotas.filled()}
}

// Model implements gateway.Service.
func (*Service) Model() *wire.Service { return api.Service }
