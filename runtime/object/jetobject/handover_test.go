package jetobject_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/object/notify"
)

// announced are the settings of a bucket that tells a queue of everything.
var announced = object.Settings{Notifications: notify.Configuration{Destinations: []notify.Destination{{
	Kind: notify.Queue, ID: "all", ARN: "arn:aws:sqs:us-east-1:000000000000:q", Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"},
}}}}

// keys are those of the events that the outbox got, in their order.
func (o *outbox) keys(tb testing.TB) (keys []string) {
	tb.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.got {
		var body struct {
			Records []struct {
				S3 struct{ Object struct{ Key string } }
			}
		}
		if err := json.Unmarshal(e.Body, &body); err != nil || len(body.Records) != 1 {
			tb.Fatalf("a notification is %s: %v", e.Body, err)
		}
		if e.Source.ARN != "arn:aws:s3:::"+name || e.Source.Account != "000000000000" || e.Source.Principal.Service != "s3.amazonaws.com" {
			tb.Errorf("the source is %+v", e.Source)
		}
		keys = append(keys, body.Records[0].S3.Object.Key)
	}
	return keys
}

func putNumbered(tb testing.TB, b *jetobject.Bucket, from, to int) (keys []string) {
	tb.Helper()
	for i := from; i <= to; i++ {
		put(tb, b, fmt.Sprint(i), text(i, 10))
		keys = append(keys, fmt.Sprint(i))
	}
	return keys
}

func TestEventsAreHandedOverInOrder(t *testing.T) {
	bubble(t, func(e *env) {
		b := e.create(announced)
		want := putNumbered(e, b, 1, 100)
		settle()
		want = append(want, putNumbered(e, b, 101, 120)...)
		remove(e, b, "7")
		settle()
		if got := e.outbox.keys(t); !slices.Equal(got, append(want, "7")) {
			t.Errorf("got %q", got)
		}
		e.reopen() // what was handed over is written down
		settle()
		if n := e.outbox.count(); n != 121 {
			t.Errorf("%d events after a restart, want 121", n)
		}
	})
}

// While the outbox refuses, and over a kill, events wait; the restart that follows hands them
// over though nobody uses the bucket.
func TestEventsWaitForTheOutbox(t *testing.T) {
	bubble(t, func(e *env) {
		e.outbox.setFail(unavailable)
		b := e.create(announced)
		want := putNumbered(e, b, 1, 20)
		settle()
		e.kill()
		settle()
		if n := e.outbox.count(); n != 0 {
			t.Fatalf("%d events were taken", n)
		}
		e.outbox.setFail(nil)
		time.Sleep(time.Minute)
		if got := e.outbox.keys(t); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestEventsOutliveTheirBucket(t *testing.T) {
	bubble(t, func(e *env) {
		e.outbox.setFail(unavailable)
		b := e.create(announced)
		put(e, b, "a", text(1, 10))
		remove(e, b, "a")
		if err := e.buckets.Delete(ctx, name); !errors.Is(err, fault.Unavailable) {
			t.Errorf("deleting a bucket whose events wait: %v", err)
		}
		e.outbox.setFail(nil)
		time.Sleep(time.Minute)
		if err := e.buckets.Delete(ctx, name); err != nil {
			t.Errorf("deleting it again: %v", err)
		}
		if got := e.outbox.keys(t); !slices.Equal(got, []string{"a", "a"}) {
			t.Errorf("got %q", got)
		}
		if _, err := e.buckets.Find(ctx, name); !errors.Is(err, fault.NotFound) {
			t.Errorf("the bucket is there: %v", err)
		}
	})
}
