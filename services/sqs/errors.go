package sqs

import (
	"crypto/aes"
	"encoding/base64"
	"errors"
	"fmt"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/keys"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/kit"
	"millrace/services/internal/wire"
)

// The errors of the model are made by api.Err…; these have no shape there. AWS
// names them in JSON by one name and in the query protocol by another.

func invalidValue(format string, args ...any) *wire.Error {
	return &wire.Error{Code: "InvalidParameterValueException", QueryCode: "InvalidParameterValue", Status: 400, Message: fmt.Sprintf(format, args...)}
}

// invalidParam is the commonest sentence of SQS.
func invalidParam(name string, value any, reason string) *wire.Error {
	return invalidValue("Value %v for parameter %s is invalid. Reason: %s", value, name, reason)
}

func missingParam(name string) *wire.Error {
	return &wire.Error{Code: "MissingRequiredParameterException", QueryCode: "MissingParameter", Status: 400,
		Message: fmt.Sprintf("The request must contain the parameter %s.", name)}
}

// emptyValue is what SQS says of an entry of a batch, the i-th from 0, that lacks
// what is called MissingParameter outside of one (redpanda-data/connect#1070).
func emptyValue(kind string, i int, name string) *wire.Error {
	return &wire.Error{Code: "EmptyValue", Status: 400, Message: fmt.Sprintf("No Value Found for %s.%d.%s.", kind, i+1, name)}
}

func invalidAction(action string) *wire.Error {
	return &wire.Error{Code: "InvalidAction", Status: 400, Message: fmt.Sprintf("The action %s is not valid for this endpoint.", action)}
}

func unknownAttribute(name string) *wire.Error {
	return api.ErrInvalidAttributeName(fmt.Sprintf("Unknown Attribute %s.", name))
}

func badAttribute(name string) *wire.Error {
	return api.ErrInvalidAttributeValue(fmt.Sprintf("Invalid value for the parameter %s.", name))
}

// noQueue differs between the protocols in its text, and in nothing else.
func noQueue(query bool) *wire.Error {
	if query {
		return api.ErrQueueDoesNotExist("The specified queue does not exist for this wsdl version.")
	}
	return api.ErrQueueDoesNotExist("The specified queue does not exist.")
}

// fromHandle says what was wrong with a receipt handle, in AWS's words.
func fromHandle(err error, handle string, change queue.VisibilityChange, query bool) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, queue.ErrInvalidHandle) && looksIssued(handle): // aws/aws-sdk-java-v2#3101
		return api.ErrReceiptHandleIsInvalid(fmt.Sprintf("The receipt handle \"%s\" is not valid for this queue.", handle))
	case errors.Is(err, queue.ErrInvalidHandle):
		return api.ErrReceiptHandleIsInvalid(fmt.Sprintf("The input receipt handle \"%s\" is not a valid receipt handle.", handle))
	case errors.Is(err, queue.ErrHandleExpired):
		return invalidParam("ReceiptHandle", handle, "The receipt handle has expired.")
	case errors.Is(err, queue.ErrMessageNotFound):
		return invalidParam("ReceiptHandle", handle, "Message does not exist or is not available for visibility timeout change.")
	case errors.Is(err, queue.ErrVisibilityTooLong):
		return invalidParam("VisibilityTimeout", seconds(change.Timeout),
			fmt.Sprintf("Total VisibilityTimeout for the message is beyond the limit [%d seconds].", seconds(queue.MaxVisibility)))
	}
	return fromDomain(err, query)
}

// looksIssued reports whether a text has the form of the handles that queues give
// out. Whose it is only that queue can tell.
func looksIssued(handle string) bool {
	b, err := base64.StdEncoding.Strict().DecodeString(handle)
	return err == nil && len(b) == aes.BlockSize
}

// fromKeys tells that a queue's KMS key does not work; nil for other errors.
func fromKeys(err error) error {
	for _, k := range []struct {
		is   error
		make func(string) *wire.Error
		text string
	}{
		{keys.ErrNotFound, api.ErrKmsNotFound, "The KMS key of this queue does not exist."},
		{keys.ErrDisabled, api.ErrKmsDisabled, "The KMS key of this queue is disabled."},
		{keys.ErrState, api.ErrKmsInvalidState, "The KMS key of this queue is not in a state that allows its use."},
		{keys.ErrUsage, api.ErrKmsInvalidKeyUsage, "The KMS key of this queue is not for encryption."},
		{keys.ErrAccess, api.ErrKmsAccessDenied, "The KMS key of this queue may not be used by this caller."},
	} {
		if !errors.Is(err, k.is) {
			continue
		}
		if sentence, ok := kit.Denied(err); ok {
			return k.make(sentence)
		}
		var f *fault.Error
		if errors.As(err, &f) && f.What != "" {
			return k.make(f.What) // KMS's own sentence, which names the key
		}
		return k.make(k.text)
	}
	return nil
}

// fromDomain translates what is left of the domain's errors. What nobody named
// is ours to answer for, and its cause stays in the log.
func fromDomain(err error, query bool) error {
	if e := fromKeys(err); e != nil {
		return e
	}
	switch fault.Of(err) {
	case fault.NotFound:
		return noQueue(query)
	case fault.Throttled:
		return api.ErrOverLimit("Too many messages have been received without being deleted.\n" +
			"Please delete your received messages or let them timeout before receiving more.")
	case fault.TooLarge, fault.Invalid:
		var f *fault.Error
		if errors.As(err, &f) && f.What != "" {
			return invalidValue("%s", f.What)
		}
	}
	return err
}
