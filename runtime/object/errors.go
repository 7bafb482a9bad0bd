package object

import (
	"fmt"

	"millrace/runtime/fault"
	"millrace/runtime/object/checksum"
)

// What a machine refuses a command with, beside the types below.
var (
	ErrNoSuchKey     = fault.New(fault.NotFound, "the key does not exist")
	ErrNoSuchVersion = fault.New(fault.NotFound, "the version does not exist")
	ErrNoSuchUpload  = fault.New(fault.NotFound, "the upload does not exist")
	ErrIsMarker      = fault.New(fault.Conflict, "the version is a delete marker")
	ErrPartOrder     = fault.New(fault.Invalid, "the parts are not in ascending order")
	ErrPartNumbers   = fault.New(fault.Invalid, "the parts of a composite checksum are not numbered 1 to n")
	ErrNoParts       = fault.New(fault.Invalid, "an upload needs at least one part")
	ErrNotEmpty      = fault.New(fault.Conflict, "the bucket is not empty")
	ErrClosed        = fault.New(fault.NotFound, "the bucket was deleted")
)

// The conditions of a [Condition], as their headers are called.
const (
	IfMatch     = "If-Match"
	IfNoneMatch = "If-None-Match"
)

// A PreconditionError says that a condition does not hold. It is fault.Conflict.
type PreconditionError struct{ Condition string } // IfMatch or IfNoneMatch

func (e *PreconditionError) Error() string { return e.Condition + " does not hold" }
func (e *PreconditionError) Unwrap() error { return fault.Conflict }

// A ConcurrentWriteError says that the object was written or deleted since the upload
// began, which its condition does not allow. It is fault.Conflict.
type ConcurrentWriteError struct {
	Condition string // IfMatch or IfNoneMatch
	Key       string
}

func (e *ConcurrentWriteError) Error() string {
	return fmt.Sprintf("%s: %q has changed since the upload began", e.Condition, e.Key)
}
func (e *ConcurrentWriteError) Unwrap() error { return fault.Conflict }

// An InvalidPartError says that a part to complete does not exist, or that its ETag or
// its checksum is another one. It is fault.Invalid.
type InvalidPartError struct {
	Upload string // its ID
	Part   int
	ETag   string // as it was given
}

func (e *InvalidPartError) Error() string { return fmt.Sprintf("there is no such part %d", e.Part) }
func (e *InvalidPartError) Unwrap() error { return fault.Invalid }

// A PartTooSmallError says that a part that is not the last has less than MinPartSize.
// It is fault.Invalid.
type PartTooSmallError struct {
	Size int64
	Part int
	ETag string
}

func (e *PartTooSmallError) Error() string {
	return fmt.Sprintf("part %d has only %d bytes", e.Part, e.Size)
}
func (e *PartTooSmallError) Unwrap() error { return fault.Invalid }

// A MissingChecksumError says that a part of a composite upload was completed without
// its checksum. It is fault.Invalid.
type MissingChecksumError struct {
	Algorithm checksum.Algorithm
	Part      int
}

func (e *MissingChecksumError) Error() string {
	return fmt.Sprintf("part %d has no %s checksum", e.Part, e.Algorithm)
}
func (e *MissingChecksumError) Unwrap() error { return fault.Invalid }

// A ChecksumTypeError says that an upload is completed with another checksum type than
// it was created with. It is fault.Invalid.
type ChecksumTypeError struct{ Created checksum.Type } // NoType for none

func (e *ChecksumTypeError) Error() string { return "the upload has another checksum type" }
func (e *ChecksumTypeError) Unwrap() error { return fault.Invalid }

// A ChecksumError says that the checksum of a completed object is another one than its
// client expects. It is fault.Invalid.
type ChecksumError struct{ Computed checksum.Value }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("the %s checksum is %s", e.Computed.Algorithm, e.Computed)
}
func (e *ChecksumError) Unwrap() error { return fault.Invalid }

// A SizeError says that a completed object has another size than its client expects.
// It is fault.Invalid.
type SizeError struct{ Given, Computed int64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("the object has %d bytes, not %d", e.Computed, e.Given)
}
func (e *SizeError) Unwrap() error { return fault.Invalid }
