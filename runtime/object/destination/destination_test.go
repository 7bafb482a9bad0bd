package destination_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/object/destination"
	"millrace/runtime/object/notify"
	"millrace/runtime/policy"
)

// "When you configure notifications" of the S3 User Guide, and recordings: queues and
// topics get a test, functions do not.
func TestTestEventsGoToQueuesAndTopicsOnce(t *testing.T) {
	w := start(t)
	q := w.makeQueue(t, own, "q", allowing("sqs:SendMessage", "b", own))
	body := notify.TestEvent("b", time.Unix(0, 0), "id", "host")
	all := []notify.Destination{q, w.makeFunction(own, "f"), q}
	if err := destination.Test(t.Context(), all, from, body, w.resolve); err != nil {
		t.Fatal(err)
	}
	if got := w.messages(t, q); !reflect.DeepEqual(got, []string{string(body)}) {
		t.Errorf("the queue has %q", got)
	}

	var got []delivery.Event
	resolve := func(string) (delivery.Target, error) {
		return target.Func(func(_ context.Context, e delivery.Event) (delivery.Reply, error) {
			got = append(got, e)
			return delivery.Reply{}, nil
		}), nil
	}
	if err := destination.Test(t.Context(), []notify.Destination{{Kind: notify.Topic, ARN: "arn:aws:sns:eu-west-1:000000000000:t"}}, from, body, resolve); err != nil {
		t.Fatal(err)
	}
	if want := []delivery.Event{{Body: body, Subject: "Amazon S3 Notification", Source: from.Source()}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the topic has %+v, want %+v", got, want)
	}
}

func TestTestEventsThatAreRefused(t *testing.T) {
	d := toQueue("arn:aws:sqs:eu-west-1:000000000000:q")
	for _, c := range []struct {
		rule  string
		fails error
		final bool
	}{
		{"the KMS key is disabled", fault.New(fault.Conflict, "the key is disabled"), true},
		{"the KMS key has gone", fault.New(fault.NotFound, "no such key"), true},
		{"the KMS key denies", fault.New(fault.Denied, "not with this key"), true},
		{"the queue takes less", fault.New(fault.TooLarge, "the event is too large"), true},
		{"the disk is full", fault.New(fault.Unavailable, "the disk is full"), false},
		{"the caller has gone", context.Canceled, false},
	} {
		resolve := func(string) (delivery.Target, error) {
			return target.Func(func(context.Context, delivery.Event) (delivery.Reply, error) { return delivery.Reply{}, c.fails }), nil
		}
		err := destination.Test(t.Context(), []notify.Destination{d}, from, nil, resolve)
		if !c.final {
			if err != c.fails {
				t.Errorf("%s: got %v", c.rule, err)
			}
			continue
		}
		e, ok := errors.AsType[*notify.Error](err)
		if want := []notify.Field{{Name: "ArgumentName1", Value: d.ARN}, {Name: "ArgumentValue1", Value: deniedQueue}}; !ok || !reflect.DeepEqual(e.Fields, want) {
			t.Errorf("%s: got %v", c.rule, err)
		}
	}
}

func TestDelivery(t *testing.T) {
	e := &notify.Event{
		Type: notify.ObjectRemovedDelete, Bucket: "b", Account: own, Key: "k", Destination: "arn:aws:sqs:eu-west-1:000000000000:q",
		TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793", TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	want := delivery.Delivery{
		To: e.Destination,
		Event: delivery.Event{
			Body: e.Body(), Subject: "Amazon S3 Notification", TraceHeader: e.TraceHeader, TraceParent: e.TraceParent,
			Source: delivery.Source{Principal: policy.ServicePrincipal("s3.amazonaws.com"), ARN: "arn:aws:s3:::b", Account: own},
		},
		Policy: delivery.Policy{Sender: "s3", MaxAge: 24 * time.Hour},
	}
	nowhere := delivery.Resolvers{}.Resolve
	if got := destination.Delivery(e, nowhere); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// AWS refuses a queue without a policy. Here it gets what a bucket of its account tells, and
// no test event, since nobody said that S3 may send.
func TestQueuesWithoutAPolicy(t *testing.T) {
	w := start(t)
	bare, closed := w.makeQueue(t, own, "bare", ""), w.makeQueue(t, own, "closed", allowing("sqs:SendMessage", "another", own))
	all := []notify.Destination{bare, closed, bare}
	if got := destination.WithoutPolicy(all, w.resolve); !reflect.DeepEqual(got, []string{bare.ARN}) {
		t.Errorf("open are %q", got)
	}
	if err := destination.Test(t.Context(), all[:1], from, []byte("test"), w.resolve); err != nil {
		t.Fatal(err)
	}
	e := &notify.Event{Type: notify.ObjectRemovedDelete, Bucket: "b", Account: own, Key: "k", Destination: bare.ARN}
	d := destination.Delivery(e, w.resolve)
	target, err := w.resolve(d.To)
	if err == nil {
		err = target.Allows(d.Event.Source)
	}
	if err == nil {
		_, err = target.Deliver(t.Context(), d.Event)
	}
	if got := w.messages(t, bare); err != nil || !reflect.DeepEqual(got, []string{string(e.Body())}) {
		t.Errorf("the queue has %q, %v", got, err)
	}
	e.Destination = closed.ARN
	if d := destination.Delivery(e, w.resolve); d.Event.Source != from.Source() {
		t.Errorf("a queue with a policy is sent to on behalf of %+v", d.Event.Source)
	}
}

// A destination that is away for long is still tried, once a minute.
func TestPauses(t *testing.T) {
	pauses := destination.Senders()[destination.Sender].Failed
	for n, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 7: time.Minute, 1000: time.Minute} {
		if got, ok := pauses.Pause(n, 0); !ok || got != want {
			t.Errorf("after %d attempts: %v, %v", n, got, ok)
		}
	}
}
