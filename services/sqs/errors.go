package sqs

import (
	"errors"
	"fmt"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/services/internal/wire"
)

// sender builds an error that the client caused. code is the model's shape name
// or, for an error without a shape, its Coral name; query is the query code.
func sender(status int, code, query, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, QueryCode: query, Status: status, Message: fmt.Sprintf(format, args...)}
}

func invalidValue(format string, args ...any) *wire.Error {
	return sender(400, "InvalidParameterValueException", "InvalidParameterValue", format, args...)
}

// invalidParam is the commonest sentence of SQS.
func invalidParam(name string, value any, reason string) *wire.Error {
	return invalidValue("Value %v for parameter %s is invalid. Reason: %s", value, name, reason)
}

func missingParam(name string) *wire.Error {
	return sender(400, "MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter %s.", name)
}

func unknownAttribute(name string) *wire.Error {
	return sender(400, "InvalidAttributeName", "", "Unknown Attribute %s.", name)
}

func badAttribute(name string) *wire.Error {
	return sender(400, "InvalidAttributeValue", "", "Invalid value for the parameter %s.", name)
}

// noQueue differs between the protocols in its text, and in nothing else.
func noQueue(query bool) *wire.Error {
	text := "The specified queue does not exist."
	if query {
		text = "The specified queue does not exist for this wsdl version."
	}
	return sender(400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "%s", text)
}

func badHandle(handle string) *wire.Error {
	return sender(404, "ReceiptHandleIsInvalid", "", "The input receipt handle \"%s\" is not a valid receipt handle.", handle)
}

// fromHandle says what was wrong with a receipt handle, in AWS's words.
func fromHandle(err error, handle string, change queue.Change, query bool) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, queue.ErrHandle):
		return badHandle(handle)
	case errors.Is(err, queue.ErrExpired):
		return invalidParam("ReceiptHandle", handle, "The receipt handle has expired.")
	case errors.Is(err, queue.ErrGone):
		return invalidParam("ReceiptHandle", handle, "Message does not exist or is not available for visibility timeout change.")
	case errors.Is(err, queue.ErrBeyondMax):
		return invalidParam("VisibilityTimeout", seconds(change.Timeout),
			fmt.Sprintf("Total VisibilityTimeout for the message is beyond the limit [%d seconds].", seconds(queue.MaxVisibility)))
	}
	return fromDomain(err, query)
}

// fromDomain translates what is left of the domain's errors. What nobody named
// is ours to answer for, and its cause stays in the log.
func fromDomain(err error, query bool) error {
	switch fault.Of(err) {
	case fault.NotFound:
		return noQueue(query)
	case fault.Throttled:
		return sender(403, "OverLimit", "", "The maximum number of in flight messages is reached.")
	case fault.TooLarge, fault.Invalid:
		var f *fault.Error
		if errors.As(err, &f) && f.What != "" {
			return invalidValue("%s", f.What)
		}
	}
	return err
}
