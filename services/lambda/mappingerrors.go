package lambda

import (
	"errors"
	"time"

	"millrace/esm"
	"millrace/esm/source"
	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
)

// AWS's error texts for mappings.
const (
	textNoMapping    = "The resource you requested does not exist."
	textNoFunction   = "Function does not exist"
	textNoPermission = "The provided execution role does not have permissions to call ReceiveMessage on SQS"
	textNoQueue      = "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. " +
		"SQS Error Message: The specified queue does not exist."
	textUnavailable = "The event source is not available at the moment."
)

// fromMappings translates what mappings report of a request to create, update or
// delete one, as verb says.
func fromMappings(err error, verb string) error {
	if e, ok := errors.AsType[*esm.RegionError](err); ok {
		return invalidValue("Event source region must match Lambda region %s", e.Function)
	}
	if e, ok := errors.AsType[*source.VisibilityError](err); ok {
		return invalidValue("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", e.Visibility/time.Second, e.Timeout/time.Second)
	}
	if e, ok := errors.AsType[*esm.DuplicateError](err); ok {
		f, _, _ := function.IDFromARN(e.Other.FunctionARN)
		return user(api.ErrResourceConflictException(`An event source mapping with SQS arn (" ` + e.Other.EventSource + ` ") and function (" ` + f.Name + ` ") already exists. ` +
			`Please update or delete the existing mapping with UUID ` + e.Other.UUID))
	}
	switch {
	case errors.Is(err, esm.ErrNotFound):
		return notFound(textNoMapping)
	case errors.Is(err, esm.ErrInUse):
		return user(api.ErrResourceInUseException("Cannot " + verb + " the event source mapping because it is in use."))
	case errors.Is(err, esm.ErrUnknownSource):
		return invalidValue("Unrecognized event source.")
	case errors.Is(err, esm.ErrNoSource):
		return invalidValue(textNoQueue)
	case errors.Is(err, esm.ErrNoPermission):
		return invalidValue(textNoPermission)
	case errors.Is(err, esm.ErrNoFunction):
		return invalidValue(textNoFunction)
	case errors.Is(err, esm.ErrNoWindow):
		return invalidValue("Batching window is not supported for FIFO queues")
	case errors.Is(err, esm.ErrLargeBatch):
		return invalidValue("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case errors.Is(err, esm.ErrInvalidFilter):
		return invalidValue("Invalid filter pattern definition.")
	}
	return fromDomain(err)
}

// reason is the StateTransitionReason of a mapping.
func reason(m esm.Mapping) string {
	switch m.Problem {
	case "":
		return m.Reason
	case esm.ProblemNoFunction:
		return textNoFunction
	case esm.ProblemNoSource:
		return textNoQueue
	case esm.ProblemNoPermission:
		return textNoPermission
	}
	return textUnavailable
}
