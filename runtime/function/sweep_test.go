package function

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats.go/jetstream"

	"millrace/runtime/fault"
)

// A silentStore never says which objects it has.
type silentStore struct{ jetstream.ObjectStore }

func (silentStore) List(ctx context.Context, _ ...jetstream.ListObjectsOpt) ([]*jetstream.ObjectInfo, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A start does not wait for ever to sweep.
func TestSweepIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &codeStore{blobs: silentStore{}}
		if err := s.sweepBlobs(t.Context(), nil); fault.Of(err) != fault.Unavailable {
			t.Errorf("got %v, want fault.Unavailable", err)
		}
	})
}
