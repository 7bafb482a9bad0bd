package sqs

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"millrace/runtime/queue/cooldown"
	"millrace/runtime/queue/jetqueue"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

var created = time.Unix(1700000000, 0)

// started is a service over queues of its own, with no move tasks.
func started(t *testing.T, o Options) (*jetqueue.Queues, *Service) {
	t.Helper()
	b := backbonetest.Start(t, t.TempDir())
	records := record.New(b.JetStream(), nil)
	if err := records.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	queues := jetqueue.New(b, records, jetqueue.Options{})
	if err := queues.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if err := errors.Join(queues.Stop(ctx), records.Stop(ctx), b.Stop(ctx)); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return queues, New(queues, nil, cooldown.New(records), o)
}
