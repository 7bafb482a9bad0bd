package lambda

import "millrace/services/internal/wire"

// RefuseBody implements gateway.Limiter. Lambda names the action, which for Invoke is
// not the operation.
func (*Service) RefuseBody(op *wire.Operation, limit int64) *wire.Error {
	name := op.Name
	if name == "Invoke" {
		name = "InvokeFunction"
	}
	return tooLarge("Request must be smaller than %d bytes for the %s operation", limit, name)
}
