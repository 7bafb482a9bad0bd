package lambda

import (
	"errors"
	"fmt"

	"millrace/runtime/fault"
	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/wire"
)

// user marks an error of the API's model as one that the client caused.
func user(e *wire.Error) *wire.Error {
	e.Fields = map[string]any{"Type": "User"}
	return e
}

func invalidValue(format string, args ...any) *wire.Error {
	return user(api.ErrInvalidParameterValueException(fmt.Sprintf(format, args...)))
}

func notFound(format string, args ...any) *wire.Error {
	return user(api.ErrResourceNotFoundException(fmt.Sprintf(format, args...)))
}

func conflict(text string) *wire.Error { return user(api.ErrResourceConflictException(text)) }

func stale(text string) *wire.Error { return user(api.ErrPreconditionFailedException(text)) }

func badContent(format string, args ...any) *wire.Error {
	return user(api.ErrInvalidRequestContentException(fmt.Sprintf(format, args...)))
}

func tooLarge(format string, args ...any) *wire.Error {
	return user(api.ErrRequestTooLargeException(fmt.Sprintf(format, args...)))
}

// constraint is the sentence for a value that breaks a rule of the API's model,
// for rules that the model does not hold.
func constraint(value any, member, rule string) *wire.Error {
	return &wire.Error{Code: "ValidationException", Status: 400,
		Message: fmt.Sprintf("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, rule)}
}

// throttled says which bound an invocation met.
func throttled(f function.Function) *wire.Error {
	e := user(api.ErrTooManyRequestsException("Rate Exceeded."))
	e.Fields["Reason"] = "ConcurrentInvocationLimitExceeded"
	if f.Reserved != nil {
		e.Fields["Reason"] = "ReservedFunctionConcurrentInvocationLimitExceeded"
	}
	return e
}

// fromDomain translates what functions and mappings report. What nobody named is ours to
// answer for, and its cause stays in the log.
func fromDomain(err error) error {
	var w *wire.Error
	if err == nil || errors.As(err, &w) {
		return err
	}
	text := err.Error()
	var f *fault.Error
	if errors.As(err, &f) {
		text = f.What
	}
	switch {
	case errors.Is(err, function.ErrRevision):
		return stale(text)
	case errors.Is(err, function.ErrZipped):
		// A name of the front door, which the model does not hold.
		return user(&wire.Error{Code: "RequestEntityTooLargeException", Status: 413, Message: text})
	}
	switch fault.Of(err) {
	case fault.NotFound:
		return notFound("%s", text)
	case fault.Exists:
		return conflict(text)
	case fault.Invalid:
		return invalidValue("%s", text)
	case fault.Conflict:
		return user(api.ErrResourceInUseException(text))
	}
	return err
}
