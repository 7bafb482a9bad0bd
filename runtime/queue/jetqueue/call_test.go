package jetqueue

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
	"millrace/runtime/store/keys"
)

// Errors keep their meaning between nodes: sentinels, sentences for clients, and
// codes.
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

// Messages keep what their senders said of them, and a send is repeated only when the
// owner can tell.
func TestSendsBetweenNodes(t *testing.T) {
	numbered := queue.Message{Body: "a", Unfinished: true, Source: 1 << 63, Seq: 1<<64 - 1}
	c := call{Method: methodSend, Messages: []queue.Message{numbered, {Body: "b"}}}
	got, err := decodeCall(c.encode())
	if err != nil || !reflect.DeepEqual(got.Messages, c.Messages) {
		t.Errorf("%+v became %+v, %v", c.Messages, got.Messages, err)
	}
	for _, want := range []struct {
		name       string
		messages   []queue.Message
		repeatable bool
	}{
		{"q", []queue.Message{numbered, numbered}, true},
		{"q", []queue.Message{numbered, {}}, false},
		{"q", []queue.Message{{Source: 1}}, false},
		{"q.fifo", []queue.Message{{}}, true},
	} {
		c := call{Method: methodSend, Queue: queue.ID{Name: want.name}, Messages: want.messages}
		if c.isRepeatable() != want.repeatable {
			t.Errorf("%+v can be repeated: %v", c, c.isRepeatable())
		}
	}
}

// Any data from another node is decoded or refused.
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

// What is stored and what nodes send each other keeps its field names, whatever
// the Go fields are called now.
func TestStoredFieldNames(t *testing.T) {
	for _, c := range []struct {
		v    any
		want []string
	}{
		{queueRecord{}, []string{"ID", "Source", "Key", "Config"}},
		{queue.Transfer{}, []string{"Seq", "Target", "ID", "Number", "Content", "Entry", "Sent", "First", "Age", "Receives", "Fresh"}},
		{call{SourceGeneration: 1, Transfers: []queue.Transfer{{}}}, []string{"Method", "Queue", "Source", "From", "Burier", "Burials"}},
	} {
		var got map[string]json.RawMessage
		data, err := json.Marshal(c.v)
		if err := errors.Join(err, json.Unmarshal(data, &got)); err != nil {
			t.Fatal(err)
		}
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, slices.Sorted(slices.Values(c.want))) {
			t.Errorf("%T has the fields %q, want %q", c.v, names, c.want)
		}
	}
}
