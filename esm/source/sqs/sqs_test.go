package sqs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"millrace/esm/source"
	"millrace/esm/source/sqs"
	"millrace/runtime/arn"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

var (
	orders = queue.ID{Account: "000000000000", Region: "eu-west-1", Name: "orders"}
	sent   = time.UnixMilli(1545082649183)
)

// shelf is a queue that hands out what it was given, and notes what is asked.
type shelf struct {
	config   queue.Config
	messages []queue.ReceivedMessage
	asked    queue.ReceiveRequest
	deleted  []string
	changed  []queue.VisibilityChange
	fails    error
}

func (s *shelf) Config() queue.Config { return s.config }

func (s *shelf) Receive(_ context.Context, r queue.ReceiveRequest) ([]queue.ReceivedMessage, error) {
	s.asked = r
	return s.messages, s.fails
}

func (s *shelf) Delete(_ context.Context, handles ...string) []error {
	s.deleted = handles
	return []error{nil, s.fails}
}

func (s *shelf) ChangeVisibility(_ context.Context, changes ...queue.VisibilityChange) []error {
	s.changed = changes
	return []error{nil, s.fails}
}

func (s *shelf) find(queue.ID) (sqs.Queue, error) { return s, nil }

func record(t *testing.T, id queue.ID, m queue.ReceivedMessage) source.Record {
	t.Helper()
	return recordOf(t, id, m, false)
}

func recordOf(t *testing.T, id queue.ID, m queue.ReceivedMessage, windowed bool) source.Record {
	t.Helper()
	q := &shelf{messages: []queue.ReceivedMessage{m}}
	records, err := sqs.New(id, q.find, windowed).Receive(t.Context(), source.Request{Max: 10})
	if err != nil || len(records) != 1 {
		t.Fatalf("got %d records, %v", len(records), err)
	}
	return records[0]
}

// The forms are those of Lambda's guide, "Amazon SQS standard queue message
// event" and "... FIFO queue message event".
func TestRecord(t *testing.T) {
	for _, c := range []struct {
		rule string
		id   queue.ID
		in   queue.ReceivedMessage
		want string
	}{
		{"the least", orders, queue.ReceivedMessage{
			Message:   queue.Message{Body: `<"a" & b>`, SenderID: "AIDA"},
			MessageID: "id", ReceiptHandle: "handle", Sent: sent, FirstReceived: sent.Add(2 * time.Millisecond), Receives: 1,
		}, `{"messageId":"id","receiptHandle":"handle","body":"<\"a\" & b>",` +
			`"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","SenderId":"AIDA","ApproximateFirstReceiveTimestamp":"1545082649185"},` +
			`"messageAttributes":{},"md5OfBody":"97ff466e3476e40b4ee1b891674a1bcf",` +
			`"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:000000000000:orders","awsRegion":"eu-west-1"}`},
		{"everything a FIFO queue has", queue.ID{Account: "000000000000", Region: "us-east-1", Name: "o.fifo"}, queue.ReceivedMessage{
			Message: queue.Message{
				Body: "message", SenderID: "AIDA", GroupID: "g", DedupID: "d", TraceHeader: "Root=1-5",
				Attributes: []queue.Attribute{
					{Name: "B", DataType: "Binary.png", Value: []byte{0, 255}},
					{Name: "N", DataType: "Number", Value: []byte("1.5")},
					{Name: "S", DataType: "String", Value: []byte("x")},
				},
			},
			MessageID: "id", ReceiptHandle: "handle", SequenceNumber: "18850000000000000001",
			Sent: sent, FirstReceived: sent, Receives: 12, DeadLetterSource: "arn:aws:sqs:us-east-1:000000000000:s.fifo",
		}, `{"messageId":"id","receiptHandle":"handle","body":"message",` +
			`"attributes":{"ApproximateReceiveCount":"12","AWSTraceHeader":"Root=1-5","SentTimestamp":"1545082649183","SequenceNumber":"18850000000000000001",` +
			`"MessageGroupId":"g","SenderId":"AIDA","MessageDeduplicationId":"d","DeadLetterQueueSourceArn":"arn:aws:sqs:us-east-1:000000000000:s.fifo","ApproximateFirstReceiveTimestamp":"1545082649183"},` +
			`"messageAttributes":{` +
			`"B":{"binaryValue":"AP8=","stringListValues":[],"binaryListValues":[],"dataType":"Binary.png"},` +
			`"N":{"stringValue":"1.5","stringListValues":[],"binaryListValues":[],"dataType":"Number"},` +
			`"S":{"stringValue":"x","stringListValues":[],"binaryListValues":[],"dataType":"String"}},` +
			`"md5OfMessageAttributes":"5d83012f40c7ac2d3e62c5711b1caf47","md5OfBody":"78e731027d8fd50ed642340b7c9a63b3",` +
			`"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:o.fifo","awsRegion":"us-east-1"}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if diff := cmp.Diff(c.want, string(record(t, c.id, c.in).JSON)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What AWS says of the attributes of a message that has none depends on the
// mapping's batching window; what it says of those that are there does not.
func TestRecordOfAWindow(t *testing.T) {
	bare, attributed := queue.ReceivedMessage{}, queue.ReceivedMessage{Message: queue.Message{Attributes: []queue.Attribute{{Name: "S", DataType: "String", Value: []byte("x")}}}}
	for _, c := range []struct {
		rule     string
		in       queue.ReceivedMessage
		windowed bool
		want     string // of md5OfMessageAttributes; "" for no such key
	}{
		{"no attributes, no window", bare, false, ""},
		{"no attributes, a window", bare, true, "null"},
		{"attributes, no window", attributed, false, `"57b6f724aaf961651202876f82d4a679"`},
		{"attributes, a window", attributed, true, `"57b6f724aaf961651202876f82d4a679"`},
	} {
		var got map[string]json.RawMessage
		if err := json.Unmarshal(recordOf(t, orders, c.in, c.windowed).JSON, &got); err != nil {
			t.Fatal(err)
		}
		if sum := string(got["md5OfMessageAttributes"]); sum != c.want {
			t.Errorf("%s: got %s, want %s", c.rule, sum, c.want)
		}
	}
}

// Go handlers read events through aws-lambda-go.
func TestEventReadsInGo(t *testing.T) {
	m := queue.ReceivedMessage{Message: queue.Message{Body: "über\u2028", Attributes: []queue.Attribute{{Name: "B", DataType: "Binary", Value: []byte{1, 2}}}}, MessageID: "id"}
	frame := sqs.New(orders, nil, false).Traits()
	var e events.SQSEvent
	if err := json.Unmarshal([]byte(frame.Head+string(record(t, orders, m).JSON)+frame.Tail), &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Records) != 1 || e.Records[0].Body != m.Body || !slices.Equal(e.Records[0].MessageAttributes["B"].BinaryValue, []byte{1, 2}) {
		t.Errorf("got %+v", e)
	}
}

// Lambda's guide: visibility covers window and time-out, else it is made to.
func TestVisibility(t *testing.T) {
	const half = 30 * time.Minute
	for _, c := range []struct {
		rule             string
		own, hold, asked time.Duration // asked 0: the queue's own
	}{
		{"long enough", time.Minute, time.Minute, 0},
		{"too short", time.Minute, 61 * time.Second, 91 * time.Second},
		{"never beyond twelve hours", time.Minute, 12 * time.Hour, 12 * time.Hour},
	} {
		t.Run(c.rule, func(t *testing.T) {
			q := &shelf{config: queue.Config{Visibility: c.own}}
			_, err := sqs.New(orders, q.find, false).Receive(t.Context(), source.Request{Max: 7, Wait: half, Processing: c.hold})
			want := queue.ReceiveRequest{Max: 7, Wait: half}
			if c.asked != 0 {
				want.Visibility = &c.asked
			}
			if diff := cmp.Diff(want, q.asked); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestAcknowledgeAndRelease(t *testing.T) {
	q := &shelf{}
	s := sqs.New(orders, q.find, false)
	records := []source.Record{{Handle: "a"}, {Handle: "b"}}
	if err := s.Acknowledge(t.Context(), records); err != nil || !slices.Equal(q.deleted, []string{"a", "b"}) {
		t.Errorf("deleted %v, %v", q.deleted, err)
	}
	if err := s.Release(t.Context(), records); err != nil || !slices.Equal(q.changed, []queue.VisibilityChange{{ReceiptHandle: "a"}, {ReceiptHandle: "b"}}) {
		t.Errorf("changed %v, %v", q.changed, err)
	}
	q.fails = queue.ErrHandleExpired
	if err := s.Acknowledge(t.Context(), records); !errors.Is(err, queue.ErrHandleExpired) {
		t.Errorf("deleting one of two: %v", err)
	}
	if err := s.Release(t.Context(), records); !errors.Is(err, queue.ErrHandleExpired) {
		t.Errorf("releasing one of two: %v", err)
	}
}

func TestNoQueue(t *testing.T) {
	gone := func(queue.ID) (sqs.Queue, error) { return nil, fault.New(fault.NotFound, "no queue") }
	s := sqs.New(orders, gone, false)
	_, err := s.Receive(t.Context(), source.Request{Max: 1})
	for call, err := range map[string]error{"receive": err, "acknowledge": s.Acknowledge(t.Context(), nil), "release": s.Release(t.Context(), nil)} {
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestKind(t *testing.T) {
	q := &shelf{config: queue.Config{Visibility: 30 * time.Second}}
	asked := 0
	kind := sqs.Kind(q.find, func(id queue.ID, function string) error {
		asked++
		return fault.New(fault.Denied, "%s may not read %s", function, id.Name)
	})
	const function = "arn:aws:lambda:eu-west-1:000000000000:function:f"
	for _, not := range []arn.ARN{arn.New("sqs", "eu-west-1", "000000000000", "a/b"), arn.New("sns", "eu-west-1", "000000000000", "t")} {
		if _, ok := kind(source.Spec{ARN: not, FunctionARN: function}); ok {
			t.Errorf("%s is a queue", not)
		}
	}
	own, _ := kind(source.Spec{ARN: orders.ARN(), FunctionARN: function})
	if err := own.Check(30 * time.Second); err != nil || asked != 0 {
		t.Errorf("the account's own queue: %v, asked %d times", err, asked)
	}
	if e, ok := errors.AsType[*source.VisibilityError](own.Check(31 * time.Second)); !ok || e.Visibility != 30*time.Second || e.Timeout != 31*time.Second {
		t.Errorf("too short a visibility: %v", e)
	}
	others, _ := kind(source.Spec{ARN: arn.New("sqs", "eu-west-1", "111111111111", "orders"), FunctionARN: function})
	if _, err := others.Receive(t.Context(), source.Request{Max: 1}); !errors.Is(err, fault.Denied) || asked != 1 {
		t.Errorf("another account's queue: %v, asked %d times", err, asked)
	}
	if err := others.Check(0); !errors.Is(err, fault.Denied) {
		t.Errorf("another account's queue: %v", err)
	}
	if own.Traits().Ordered || own.Traits().NoWindow {
		t.Error("a standard queue is ordered")
	}
}

func TestAReceiveWithoutEnd(t *testing.T) {
	q := &shelf{}
	if _, err := sqs.New(orders, q.find, false).Receive(t.Context(), source.Request{Max: 1, Wait: source.Forever}); err != nil || q.asked.Wait != queue.Forever {
		t.Errorf("waits for %v, %v", q.asked.Wait, err)
	}
}

func BenchmarkReceive(b *testing.B) {
	q := &shelf{messages: make([]queue.ReceivedMessage, 10)}
	for i := range q.messages {
		q.messages[i] = queue.ReceivedMessage{Message: queue.Message{Body: strings.Repeat("x", 256), SenderID: "AIDA"}, MessageID: "id"}
	}
	s := sqs.New(orders, q.find, false)
	for b.Loop() {
		if _, err := s.Receive(b.Context(), source.Request{Max: 10}); err != nil {
			b.Fatal(err)
		}
	}
}

// Whatever text or bytes a stranger sends, a handler reads the same.
func FuzzRecord(f *testing.F) {
	f.Add("body", "name", []byte{0, 255})
	f.Add("</script>\u2028\x00 \"", "", []byte(nil))
	f.Fuzz(func(t *testing.T, body, name string, value []byte) {
		body, name = strings.ToValidUTF8(body, ""), strings.ToValidUTF8(name, "")
		r := record(t, orders, queue.ReceivedMessage{Message: queue.Message{Body: body, Attributes: []queue.Attribute{
			{Name: name, DataType: "Binary", Value: value},
			{Name: name + ".text", DataType: "String", Value: []byte(body)},
		}}})
		var m events.SQSMessage
		if err := json.Unmarshal(r.JSON, &m); err != nil {
			t.Fatal(err)
		}
		text := m.MessageAttributes[name+".text"].StringValue
		if m.Body != body || r.Payload != body || text == nil || *text != body || !bytes.Equal(m.MessageAttributes[name].BinaryValue, value) {
			t.Errorf("%q, %q, %x became %s", body, name, value, r.JSON)
		}
	})
}
