package moves

import (
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// Limits of AWS (SQS API reference and quotas).
const (
	MaxRate  = 500            // messages a second
	MaxTime  = 36 * time.Hour // that a task may take
	Kept     = 10             // tasks that List remembers of a queue
	maxTasks = 100            // active at once, in one account
)

// A Spec says what a task is to do.
type Spec struct {
	Source      queue.ID
	Destination *queue.ID // nil sends each message to the queue that it was a dead letter of
	Rate        int       // messages a second, 1 to MaxRate; 0 for as fast as possible
}

// A Task is a message move task, as it was stored last.
type Task struct {
	Spec
	ID      string // UUID
	Status  Status
	Reason  string // why it failed, in AWS's words; "" unless it did
	Started time.Time
	Moved   int // messages that have arrived
	ToMove  int // visible messages of the source when it started
}

// A Status is where a task is in its life: Running, and then Completed, Failed,
// or Cancelling and Cancelled. The texts are AWS's.
type Status string

// The statuses.
const (
	Running    Status = "RUNNING"
	Completed  Status = "COMPLETED"
	Cancelling Status = "CANCELLING"
	Cancelled  Status = "CANCELLED"
	Failed     Status = "FAILED"
)

// Active reports whether a task has not ended.
func (s Status) Active() bool { return s == Running || s == Cancelling }

// Why tasks fail, in the words of AWS's troubleshooting page. AWS names none for
// a task that took too long; TimedOut is ours.
const (
	NoDestination = "AWS.SimpleQueueService.NonExistentQueue"
	NoOrigin      = "CouldNotDetermineMessageSource" // the message was sent to the source itself
	TimedOut      = "Timeout"
)

// What can be wrong with a request. Each unwraps to a fault.Code too.
var (
	ErrSource      = fault.New(fault.NotFound, "the source queue does not exist")
	ErrDestination = fault.New(fault.NotFound, "the destination queue does not exist")
	ErrTask        = fault.New(fault.NotFound, "the task does not exist")
	ErrSpec        = fault.New(fault.Invalid, "not a move between two queues of one type at a rate of up to 500")
	ErrActive      = fault.New(fault.Exists, "the source queue has an active task")
	ErrTooMany     = fault.New(fault.Throttled, "the account has 100 active tasks")
	ErrNotRunning  = fault.New(fault.Conflict, "the task is not running")
)

func (s Spec) check() error {
	if s.Rate < 0 || s.Rate > MaxRate {
		return ErrSpec
	}
	if d := s.Destination; d != nil && (*d == s.Source || d.FIFO() != s.Source.FIFO()) {
		return ErrSpec
	}
	return nil
}
