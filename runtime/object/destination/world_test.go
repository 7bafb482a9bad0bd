package destination_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/delivery/target"
	"millrace/runtime/fault"
	"millrace/runtime/function"
	"millrace/runtime/lifecycle"
	"millrace/runtime/object/destination"
	"millrace/runtime/object/notify"
	"millrace/runtime/queue"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
	"millrace/runtime/topic"
	"millrace/runtime/topic/fifo"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

const (
	region = "eu-west-1"
	own    = "000000000000" // the bucket's account
	other  = "111111111111"
)

var from = destination.Bucket{Name: "b", Account: own}

// A world has queues and topics as they are, and functions that have permissions alone.
type world struct {
	queues    *jetqueue.Queues
	topics    *topic.Topics
	functions map[string]function.Function
	resolve   delivery.Resolver
}

func start(t *testing.T) *world {
	t.Helper()
	backbone := backbonetest.Start(t, t.TempDir())
	records := record.New(backbone.JetStream(), nil)
	logs := fifo.New(fifo.Config{Backbone: backbone, Records: records})
	w := &world{
		queues:    jetqueue.New(backbone, records, jetqueue.Options{}),
		topics:    topic.New(topic.Config{Records: records, Logs: logs, Now: time.Now}),
		functions: map[string]function.Function{},
	}
	parts := []lifecycle.Part{records, w.queues, logs, w.topics}
	for _, p := range parts {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, p := range slices.Backward(parts) {
			if err := p.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	w.resolve = delivery.Resolvers{
		"sqs":    target.Queues(func(id queue.ID) (target.Queue, error) { return w.queues.Get(id) }, false),
		"sns":    w.topics.Resolve,
		"lambda": w.function,
	}.Resolve
	return w
}

// allowing is a policy that lets S3 send for a bucket of an account.
func allowing(action, bucket, account string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":%q,"Resource":"*",`+
		`"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:%s"},"StringEquals":{"aws:SourceAccount":%q}}}]}`, action, bucket, account)
}

func (w *world) makeQueue(t *testing.T, account, name, policy string) notify.Destination {
	t.Helper()
	id := queue.ID{Account: account, Region: region, Name: name}
	if _, err := w.queues.Create(t.Context(), id, queue.Config{MaxBytes: 1 << 20, Visibility: time.Minute, Texts: map[string]string{"Policy": policy}}); err != nil {
		t.Fatal(err)
	}
	return toQueue(id.ARN().String())
}

func (w *world) makeTopic(t *testing.T, account, name, policy string) notify.Destination {
	t.Helper()
	id := topic.ID{Account: account, Region: region, Name: name}
	if _, err := w.topics.Create(t.Context(), topic.Topic{ID: id, Attributes: map[string]string{topic.Policy: policy}}); err != nil {
		t.Fatal(err)
	}
	return notify.Destination{Kind: notify.Topic, ARN: id.ARN(), Events: []string{"s3:ObjectCreated:*"}}
}

func (w *world) makeFunction(account, name string, permissions ...function.Permission) notify.Destination {
	f := function.Function{Account: account, Region: region, Name: name, PolicyID: "1", Permissions: permissions}
	w.functions[f.ARN()] = f
	return toFunction(f.ARN())
}

func toQueue(arn string) notify.Destination {
	return notify.Destination{Kind: notify.Queue, ARN: arn, Events: []string{"s3:ObjectCreated:*"}}
}

func toFunction(arn string) notify.Destination {
	return notify.Destination{Kind: notify.Function, ARN: arn, Events: []string{"s3:ObjectCreated:*"}}
}

func (w *world) function(name string) (delivery.Target, error) {
	f, ok := w.functions[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "there is no function %s", name)
	}
	return functionTarget{f}, nil
}

type functionTarget struct{ function.Function }

func (f functionTarget) Allows(s delivery.Source) error {
	var a function.Access
	return a.Authorize(f.ID(), f.Function, s.Principal, "lambda:InvokeFunction", s.Context)
}

func (functionTarget) Deliver(context.Context, delivery.Event) (delivery.Reply, error) {
	return delivery.Reply{}, errors.New("nobody invokes functions for a test")
}

// messages are the bodies that wait in a queue.
func (w *world) messages(t *testing.T, d notify.Destination) (bodies []string) {
	t.Helper()
	id, _ := queue.IDFromARN(d.ARN)
	q, err := w.queues.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	got, err := q.Peek(t.Context(), queue.PeekRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range got {
		bodies = append(bodies, m.Body)
	}
	return bodies
}
