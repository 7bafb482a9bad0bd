package function

import (
	"fmt"

	"millrace/runtime/fault"
)

// What can be wrong with a request to change a function. errors.Is finds these in the
// errors of this package, and their codes.
var (
	ErrRevision         = fault.New(fault.Conflict, "the revision is not the latest")
	ErrInvalidZip       = fault.New(fault.Invalid, "the zip file is invalid")
	ErrEmptyZip         = fault.New(fault.Invalid, "the zip file is empty")
	ErrUnzippedTooLarge = fault.New(fault.Invalid, "the unzipped code has %d bytes or more", MaxUnzipped)
)

// A NotFoundError says that there is no function with an ID. It is fault.NotFound.
type NotFoundError struct{ ID ID }

func (e *NotFoundError) Error() string { return fmt.Sprintf("function %s not found", e.ID.ARN()) }

// Unwrap makes errors.Is find the code.
func (e *NotFoundError) Unwrap() error { return fault.NotFound }

// An ExistsError says that the ID of a new function is taken. It is fault.Exists.
type ExistsError struct{ ID ID }

func (e *ExistsError) Error() string { return fmt.Sprintf("function %s already exists", e.ID.ARN()) }

// Unwrap makes errors.Is find the code.
func (e *ExistsError) Unwrap() error { return fault.Exists }
