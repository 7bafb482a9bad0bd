package function

import (
	"encoding/json"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// How an asynchronous event is tried again (Lambda developer guide, error
// handling for asynchronous invocation).
const (
	maxAge       = 6 * time.Hour // MaximumEventAgeInSeconds, its default
	maxRuns      = 3             // MaximumRetryAttempts is 2 by default
	firstBackOff = time.Second
	lastBackOff  = 5 * time.Minute
)

// An event is an asynchronous invocation on its way to its function. Its payload
// is the body of its message; this is the rest.
type event struct {
	Function  ID
	Qualifier string
	RequestID string        // the same on each run
	Age       time.Duration // when it was sent to its queue; what it waits there comes on top
	Runs      int           // that ended in a function error
	Refusals  int           // in a row: throttled, or the function could not be run at all
}

// failed counts a run that ended in a function error, and says how long to wait
// before the next: 1 minute, then 2. ok is false when that was the last.
func (e *event) failed(age time.Duration) (wait time.Duration, ok bool) {
	e.Age = age
	e.Runs++
	e.Refusals = 0
	wait = time.Duration(e.Runs) * time.Minute
	return wait, e.Runs < maxRuns && age+wait <= maxAge
}

// refused counts an attempt that never reached the function, and says how long
// to wait before the next: 1 second, doubling up to 5 minutes. ok is false when
// the event would be too old by then.
func (e *event) refused(age time.Duration) (wait time.Duration, ok bool) {
	e.Age = age
	wait = lastBackOff
	if e.Refusals < 9 { // 2⁹ seconds are past the last back-off
		wait = min(firstBackOff<<e.Refusals, lastBackOff)
	}
	e.Refusals++
	return wait, age+wait <= maxAge
}

// attribute is the message attribute that an event travels in.
const attribute = "event"

// message wraps an event up for its queue.
func (e *event) message(body string, trace, parent string, delay time.Duration) (queue.Message, error) {
	value, err := json.Marshal(e)
	if err != nil {
		return queue.Message{}, err
	}
	return queue.Message{
		Body:        body,
		Attributes:  []queue.Attribute{{Name: attribute, DataType: "String", Value: value}},
		Delay:       &delay,
		TraceHeader: trace,
		TraceParent: parent,
	}, nil
}

// readEvent is the inverse of message.
func readEvent(m queue.Message) (event, error) {
	for _, a := range m.Attributes {
		if a.Name == attribute {
			var e event
			err := json.Unmarshal(a.Value, &e)
			return e, err
		}
	}
	return event{}, fault.New(fault.Invalid, "a message that is no event")
}
