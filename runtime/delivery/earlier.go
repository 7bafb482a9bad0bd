package delivery

import (
	"encoding/json"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// earlierAttribute is the message attribute that asynchronous invocations travelled
// in before there was an outbox. Their queue is the outbox's, and a data folder may
// hold some.
const earlierAttribute = "event"

// unsealEarlier reads an asynchronous invocation of before.
func unsealEarlier(m *queue.Message) (*envelope, error) {
	var was struct {
		Function             struct{ Account, Region, Name string }
		Qualifier, RequestID string
		Age                  time.Duration
		Runs, Refusals       int
	}
	if err := json.Unmarshal(m.Attributes[0].Value, &was); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "an asynchronous invocation that cannot be read")
	}
	name := arn.New("lambda", was.Function.Region, was.Function.Account, "function:"+was.Function.Name).String()
	if was.Qualifier != "" {
		name += ":" + was.Qualifier
	}
	return &envelope{
		To:       "invocation:" + name,
		Policy:   Policy{Sender: "lambda", MaxAge: 6 * time.Hour, MaxAttempts: 3},
		progress: progress{Age: was.Age, Attempts: was.Runs, Failures: was.Runs, Refusals: was.Refusals},
		event:    Event{ID: was.RequestID, Body: []byte(m.Body), TraceHeader: m.TraceHeader, TraceParent: m.TraceParent},
	}, nil
}
