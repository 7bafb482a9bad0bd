// Package fault names what can go wrong, in terms every front end can translate.
//
// A [Code] is the one thing the inside of the runtime agrees on; an [Error]
// carries a code, a sentence for the stranger who asked, and the cause for the
// operator's log. Services translate codes to AWS's names once, at the rim.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// A Code says what went wrong. It is an error itself, so that
// errors.Is(err, fault.NotFound) reads as it sounds.
type Code string

// The codes. Of maps any error to one of them.
const (
	NotFound    Code = "not found"
	Exists      Code = "exists already"
	Invalid     Code = "invalid"
	Missing     Code = "missing"
	TooLarge    Code = "too large"
	Conflict    Code = "in conflict with the present state"
	Denied      Code = "denied"
	Throttled   Code = "throttled"
	Unavailable Code = "unavailable" // the store or a part is down; trying again may help
	Canceled    Code = "canceled"
	Timeout     Code = "timed out"
	Internal    Code = "internal"
)

func (c Code) Error() string { return string(c) }

// An Error is a code with its circumstances.
type Error struct {
	Code   Code
	What   string // a sentence a client may read; "" for the code's own words
	Err    error  // the cause; for our log, never for a client
	Logged bool   // already in our log: whoever meets the error again need not log it
}

func (e *Error) Error() string {
	s := e.What
	if s == "" {
		s = string(e.Code)
	}
	if e.Err != nil {
		return s + ": " + e.Err.Error()
	}
	return s
}

// Unwrap makes errors.Is find both the code and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// New builds an Error without a cause; format and args are its sentence.
func New(code Code, format string, args ...any) error {
	return &Error{Code: code, What: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause a code and a sentence. A nil err stays nil.
func Wrap(code Code, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, What: fmt.Sprintf(format, args...), Err: err}
}

// State builds an Unavailable error for a condition that lasts, such as a full disk.
// Whoever detected the condition has logged it once, so the calls that fail because
// of it do not log it again. The sentence says what to do; clients see it too.
func State(err error, format string, args ...any) error {
	return &Error{Code: Unavailable, What: fmt.Sprintf(format, args...), Err: err, Logged: true}
}

// Told returns the sentence of a State in err, and reports whether there is one.
func Told(err error) (what string, ok bool) {
	for e := (*Error)(nil); errors.As(err, &e); err = e.Err {
		if e.Logged {
			return e.What, true
		}
	}
	return "", false
}

// Of returns the code of any error: context errors have one too, and an error
// without a code is Internal. Of(nil) is "".
func Of(err error) Code {
	if err == nil {
		return ""
	}
	var c Code
	switch {
	case errors.As(err, &c):
		return c
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Internal
}
