// Package lambda implements the API of AWS Lambda: it validates requests as AWS does,
// calls millrace/runtime/function and millrace/esm, and translates their errors to
// AWS's. It has a file per operation or family of operations; the comment of each
// operation describes its behaviour.
//
// The rules and texts come from AWS's documentation and API model and from
// answers recorded from AWS; where they differ, the recording wins. Constraints
// of the model itself (required, length, pattern, enum) have been checked by the
// gateway before an operation is called.
package lambda

import (
	"millrace/esm"
	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/wire"
)

// A Service answers Lambda requests. It holds no state.
type Service struct {
	api.Unimplemented
	functions *function.Functions
	mappings  *esm.Mappings
	objects   Objects
	access    function.Access
}

// New serves the given functions and event source mappings. objects is where code in S3 is
// read from.
func New(functions *function.Functions, mappings *esm.Mappings, objects Objects) *Service {
	return &Service{functions: functions, mappings: mappings, objects: objects}
}

// Model implements gateway.Service.
func (*Service) Model() *wire.Service { return api.Service }
