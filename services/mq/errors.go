package mq

import (
	"cmp"
	"errors"
	"fmt"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
	api "millrace/services/internal/api/mq"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// bad refuses a member of a request; "" for none in particular.
func bad(member, format string, args ...any) error {
	return of(api.ErrBadRequestException(fmt.Sprintf(format, args...)), member)
}

// of names the member that an error is about.
func of(e *wire.Error, member string) error {
	if member != "" {
		e.Fields = map[string]any{"errorAttribute": member}
	}
	return e
}

// forbidden is the error for what belongs to another account.
func forbidden(c *identity.Caller, action, resource string) error {
	return api.ErrForbiddenException("User: " + cmp.Or(c.Principal().ARN, "anonymous") + " is not authorized to perform: mq:" + action + " on resource: " + resource)
}

// failure translates the errors of brokers. An error without a code becomes an internal
// error, and its cause is only logged.
func failure(err error) error {
	if e, ok := errors.AsType[*broker.Refusal](err); ok {
		return of(exception(e.Code)(e.What), e.Member)
	}
	if e, ok := errors.AsType[*catalog.Refusal](err); ok {
		return bad(e.Member, "%s", e.What)
	}
	return err
}

func exception(code fault.Code) func(string) *wire.Error {
	switch code {
	case fault.NotFound:
		return api.ErrNotFoundException
	case fault.Exists, fault.Conflict:
		return api.ErrConflictException
	case fault.Denied:
		return api.ErrForbiddenException
	}
	return api.ErrBadRequestException
}
