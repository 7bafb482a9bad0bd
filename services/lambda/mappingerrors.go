package lambda

import (
	"cmp"
	"errors"
	"time"

	"millrace/esm"
	"millrace/esm/source"
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
		return user(api.ErrResourceConflictException(kindOf(e.Other.EventSource).duplicate(e.Other)))
	}
	if e, ok := errors.AsType[*source.Error](err); ok {
		return invalidValue("%s", e.What)
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

// queueReason is the StateTransitionReason of a queue's mapping.
func queueReason(m esm.Mapping) string {
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

// brokerReason is the StateTransitionReason of a broker's mapping (Lambda Developer Guide,
// "Troubleshoot Amazon MQ event source mapping errors"). A broker that cannot be reached has
// none: LastProcessingResult alone tells.
func brokerReason(m esm.Mapping) string {
	switch m.Problem {
	case esm.ProblemNoFunction:
		return "FUNCTION_CONFIG_NOT_VALID"
	case esm.ProblemConfig, esm.ProblemNoSource:
		return "ESM_CONFIG_NOT_VALID"
	case esm.ProblemLogin:
		return "EVENT_SOURCE_AUTHN_ERROR"
	case esm.ProblemNoPermission:
		return "EVENT_SOURCE_AUTHZ_ERROR"
	}
	return m.Reason
}

// lastResult is the LastProcessingResult of a mapping. Lambda shows none of a queue's.
func lastResult(m esm.Mapping) string {
	switch {
	case m.Problem == esm.ProblemNoFunction:
		return "PROBLEM: " + textNoFunction
	case m.Problem != "":
		return "PROBLEM: " + cmp.Or(m.Trouble, textUnavailable)
	case m.Last == esm.Failed:
		return "PROBLEM: Function call failed"
	case m.Last == esm.Succeeded:
		return "OK"
	}
	return "No records processed"
}
