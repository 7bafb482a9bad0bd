package jetqueue

import (
	"errors"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/keys"
)

// Errors mean the same behind the way between nodes: those that callers compare,
// sentences for clients, and codes.
func TestErrorsBetweenNodes(t *testing.T) {
	disabled := &fault.Error{Code: fault.Of(keys.ErrDisabled), What: "arn:… is disabled.", Err: keys.ErrDisabled}
	for _, err := range []error{nil, queue.ErrInvalidHandle, errMoved, fault.New(fault.Unavailable, "no log"), disabled, errors.New("unnamed")} {
		a, e := decodeAnswer(answer{err: err, errs: []error{err, nil}}.encode())
		if e != nil {
			t.Fatal(e)
		}
		for _, got := range []error{a.err, a.errs[0]} {
			if fault.Of(got) != fault.Of(err) || (err == queue.ErrInvalidHandle) != (got == queue.ErrInvalidHandle) ||
				errors.Is(err, errMoved) != errors.Is(got, errMoved) || errors.Is(err, keys.ErrDisabled) != errors.Is(got, keys.ErrDisabled) {
				t.Errorf("%v became %v", err, got)
			}
			var before, after *fault.Error
			if errors.As(err, &before) && (!errors.As(got, &after) || before.What != after.What) {
				t.Errorf("the sentence of %v became %v", err, got)
			}
		}
		if a.errs[1] != nil {
			t.Errorf("no error became %v", a.errs[1])
		}
	}
}

// What another node sends is read or refused, whatever it is.
func FuzzCalls(f *testing.F) {
	f.Add(call{Method: send, Messages: []queue.Message{{Body: "a\x00\xff"}}, Burials: []queue.Transfer{{Content: "c"}}}.encode())
	f.Add(answer{Received: []queue.ReceivedMessage{{Message: queue.Message{Body: "b"}}}, Peeked: []queue.PeekedMessage{{}}}.encode())
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := decodeCall(data); err == nil {
			again, err := decodeCall(c.encode())
			if err != nil || len(again.Messages) != len(c.Messages) || len(again.Burials) != len(c.Burials) {
				t.Errorf("%+v became %+v, %v", c, again, err)
			}
		}
		if a, err := decodeAnswer(data); err == nil {
			if _, err := decodeAnswer(a.encode()); err != nil {
				t.Errorf("%+v: %v", a, err)
			}
		}
	})
}
