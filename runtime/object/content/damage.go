package content

import (
	"errors"
	"fmt"
)

// ErrDamaged is in each error that says that a sealed content is not what was
// written. It is a [*DamageError], which says where.
var ErrDamaged = errors.New("content damaged")

// A DamageError is where a content is damaged.
type DamageError struct {
	Frame int64 // its number, from 0; -1 when it is what is before the frames
}

const inHeader = -1

func (e *DamageError) Error() string {
	if e.Frame == inHeader {
		return ErrDamaged.Error() + ": its header"
	}
	return fmt.Sprintf("%v: frame %d, bytes %d to %d", ErrDamaged, e.Frame, e.Frame*FrameSize, (e.Frame+1)*FrameSize-1)
}

// Is makes errors.Is(err, ErrDamaged) true.
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }
