package keys

import (
	"fmt"

	"millrace/runtime/fault"
)

// What can be wrong with a key. errors.Is finds these in the errors of this
// package, and their codes.
var (
	ErrNotFound   error = &reason{fault.NotFound, "no such key"}
	ErrExists     error = &reason{fault.Exists, "the alias is taken"}
	ErrDisabled   error = &reason{fault.Conflict, "the key is disabled"}
	ErrState      error = &reason{fault.Conflict, "the key is in a state that forbids this"}
	ErrUsage      error = &reason{fault.Invalid, "the key is for another use"}
	ErrAccess     error = &reason{fault.Denied, "the key may not be used so"}
	ErrCiphertext error = &reason{fault.Invalid, "the ciphertext is damaged, or of another key or context"}
	ErrRoot       error = &reason{fault.Invalid, "the root key cannot be used"}
)

// A reason tells errors of one code apart.
type reason struct {
	code fault.Code
	text string
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.code }

// newError is an error with a sentence for the client.
func newError(r error, format string, args ...any) error {
	return &fault.Error{Code: fault.Of(r), What: fmt.Sprintf(format, args...), Err: r}
}
