package spawner

import (
	"errors"
	"time"
)

// A Spawner starts no processes here. It would need a job object for each, which
// ends with its last handle and all that is in it.
type Spawner struct{}

// Start is errors.ErrUnsupported.
func (*Spawner) Start(Command) (*Process, error) { return nil, errors.ErrUnsupported }

// Stop does nothing.
func (*Spawner) Stop() {}

// A Process is none.
type Process struct{}

// Wait returns at once.
func (*Process) Wait() (how string) { return "" }

// Kill does nothing.
func (*Process) Kill() {}

// Close does nothing.
func (*Process) Close() {}

// Memory knows nothing.
func (*Process) Memory(time.Duration) (now, peak int) { return 0, 0 }
