package lambda

import (
	"errors"
	"fmt"

	"millrace/runtime/fault"
	"millrace/runtime/function"
	api "millrace/services/internal/api/lambda"
	"millrace/services/internal/wire"
)

// user marks an error of the API's model as the client's.
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

// constraint is AWS's error for a value that violates a constraint, for constraints that
// the API's model does not have.
func constraint(value any, member, rule string) *wire.Error {
	return &wire.Error{Code: "ValidationException", Status: 400,
		Message: fmt.Sprintf("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, rule)}
}

// throttled is the error of an invocation above a concurrency limit, and names that.
func throttled(f function.Function) *wire.Error {
	e := user(api.ErrTooManyRequestsException("Rate Exceeded."))
	e.Fields["Reason"] = "ConcurrentInvocationLimitExceeded"
	if f.Reserved != nil {
		e.Fields["Reason"] = "ReservedFunctionConcurrentInvocationLimitExceeded"
	}
	return e
}

// fromDomain translates the errors of functions and mappings. An error without a code
// becomes an internal error, and its cause is only logged.
func fromDomain(err error) error {
	var w *wire.Error
	if err == nil || errors.As(err, &w) {
		return err
	}
	if e := fromFunctions(err); e != nil {
		return e
	}
	text := err.Error()
	var f *fault.Error
	if errors.As(err, &f) {
		text = f.What
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

// fromFunctions translates the errors that functions have types for; nil for others.
func fromFunctions(err error) *wire.Error {
	if e, ok := errors.AsType[*function.NotFoundError](err); ok {
		return notFound("Function not found: %s", e.ID.ARN())
	}
	if e, ok := errors.AsType[*function.ExistsError](err); ok {
		return conflict("Function already exist: " + e.ID.Name)
	}
	switch {
	case errors.Is(err, function.ErrRevision):
		return stale("The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	case errors.Is(err, function.ErrInvalidZip):
		return invalidValue("Could not unzip uploaded file. Please check your file, then try to upload again.")
	case errors.Is(err, function.ErrEmptyZip):
		return invalidValue("Uploaded file must be a non-empty zip")
	case errors.Is(err, function.ErrUnzippedTooLarge):
		return invalidValue("Unzipped size must be smaller than %d bytes", function.MaxUnzipped)
	}
	return nil
}
