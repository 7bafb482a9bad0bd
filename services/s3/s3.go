// Package s3 is the face of Amazon S3: it checks requests as AWS does, and answers in
// AWS's words. A file per operation; behaviour is told at its top.
//
// The rules and texts come from AWS's documentation and from answers recorded from AWS;
// where the two differ, the recording wins.
package s3

import (
	api "millrace/services/internal/api/s3"
	"millrace/services/internal/wire"
)

// A Service answers S3 requests. It keeps no state.
type Service struct {
	api.Unimplemented
}

// New makes a service.
func New() *Service { return &Service{} }

// Model implements gateway.Service.
func (*Service) Model() *wire.Service { return api.Service }
