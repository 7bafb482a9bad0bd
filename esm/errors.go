package esm

import (
	"fmt"

	"millrace/runtime/fault"
)

// What can be wrong with a mapping or a request for one, beside the errors that
// have types of their own: a RegionError, a DuplicateError, a
// source.VisibilityError. Each unwraps to a fault.Code too.
var (
	ErrNotFound         = fault.New(fault.NotFound, "the event source mapping does not exist")
	ErrInUse            = fault.New(fault.Conflict, "the event source mapping is being disabled or deleted")
	ErrUnknownSource    = fault.New(fault.Invalid, "the event source is of no supported kind")
	ErrNoSource         = fault.New(fault.Invalid, "the event source does not exist")
	ErrNoPermission     = fault.New(fault.Invalid, "the function may not receive from the event source")
	ErrNoFunction       = fault.New(fault.Invalid, "the function does not exist")
	ErrNoWindow         = fault.New(fault.Invalid, "the event source takes no batching window")
	ErrLargeBatch       = fault.New(fault.Invalid, "a batch as large as that needs a batching window")
	ErrInvalidFilter    = fault.New(fault.Invalid, "invalid filter pattern")
	errMappingsStopped  = fault.New(fault.Unavailable, "event source mappings are stopped")
	errBatchNotAccepted = fault.New(fault.Canceled, "the mapping was stopped before the function accepted the batch")
)

// A RegionError says that source and function are in different regions.
type RegionError struct{ Function string }

func (e *RegionError) Error() string {
	return "the event source is not in the function's region, " + e.Function
}
func (e *RegionError) Unwrap() error { return fault.Invalid }

// A DuplicateError says that another mapping joins the same source and function.
type DuplicateError struct{ Other Mapping }

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("event source mapping %s joins the same source and function", e.Other.UUID)
}
func (e *DuplicateError) Unwrap() error { return fault.Exists }
