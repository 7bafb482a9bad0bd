// Package s3 is the face of Amazon S3: it checks requests as AWS does, and answers in
// AWS's words. A file per operation; behaviour is told at its top.
//
// The rules and texts come from AWS's documentation and from answers recorded from AWS;
// where the two differ, the recording wins.
package s3

import (
	"log/slog"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/object"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/policy"
	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/wire"
)

// A Config is what a Service stands on. Buckets, Keys and Resolve are required.
type Config struct {
	Buckets *jetobject.Buckets
	Keys    *keys.Ring        // for objects that KMS keys encrypt
	Resolve delivery.Resolver // finds the destinations of notifications
	Now     func() time.Time  // the wall clock; nil for the process's

	// Secret returns the secret of an access key that the runtime has issued, as
	// sigv4.Verifier asks for it; nil knows none.
	Secret func(accessKey string) (secret string, ok bool)

	Log *slog.Logger // nil for none

	PoliciesOff   bool // bucket policies are stored and not evaluated
	TestEventsOff bool // new destinations get no s3:TestEvent
}

// A Service answers S3 requests. It keeps no state.
type Service struct {
	api.Unimplemented
	buckets  *jetobject.Buckets
	keys     *keys.Ring
	resolve  delivery.Resolver
	now      func() time.Time
	policies policy.Cache[object.ID]
	config   Config
}

// New serves the buckets of a Config.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{buckets: c.Buckets, keys: c.Keys, resolve: c.Resolve, now: c.Now, config: c}
}

// Model implements gateway.Service.
func (*Service) Model() *wire.Service { return api.Service }
