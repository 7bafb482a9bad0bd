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
		a, e := decodeResponse(response{err: err, itemErrs: []error{err, nil}}.encode())
		if e != nil {
			t.Fatal(e)
		}
		for _, got := range []error{a.err, a.itemErrs[0]} {
			if fault.Of(got) != fault.Of(err) || (err == queue.ErrInvalidHandle) != (got == queue.ErrInvalidHandle) ||
				errors.Is(err, errMoved) != errors.Is(got, errMoved) || errors.Is(err, keys.ErrDisabled) != errors.Is(got, keys.ErrDisabled) {
				t.Errorf("%v became %v", err, got)
			}
			var before, after *fault.Error
			if errors.As(err, &before) && (!errors.As(got, &after) || before.What != after.What) {
				t.Errorf("the sentence of %v became %v", err, got)
			}
		}
		if a.itemErrs[1] != nil {
			t.Errorf("no error became %v", a.itemErrs[1])
		}
	}
}

// What another node sends is read or refused, whatever it is.
func FuzzCalls(f *testing.F) {
	f.Add(call{Method: methodSend, Messages: []queue.Message{{Body: "a\x00\xff"}}, Transfers: []queue.Transfer{{Content: "c"}}}.encode())
	f.Add(response{Received: []queue.ReceivedMessage{{Message: queue.Message{Body: "b"}}}, Peeked: []queue.PeekedMessage{{}}}.encode())
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := decodeCall(data); err == nil {
			again, err := decodeCall(c.encode())
			if err != nil || len(again.Messages) != len(c.Messages) || len(again.Transfers) != len(c.Transfers) {
				t.Errorf("%+v became %+v, %v", c, again, err)
			}
		}
		if a, err := decodeResponse(data); err == nil {
			if _, err := decodeResponse(a.encode()); err != nil {
				t.Errorf("%+v: %v", a, err)
			}
		}
	})
}
