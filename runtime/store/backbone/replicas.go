package backbone

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// clusterReplicas is how many replicas streams have on a cluster that has the
// servers for it: one may fail.
const clusterReplicas = 3

// replicated is a JetStream that gives each stream and bucket made with it as
// many replicas as was asked for. When nothing was asked for, the first bucket
// decides: one that is there keeps what it has, and the rest goes by it, so that
// a start while a server is down does not begin to store less safely. A new one
// gets three replicas if the servers for that are there, else one.
type replicated struct {
	jetstream.JetStream

	mu   sync.Mutex // guards want
	want int        // 0 while it is not decided
}

func (r *replicated) wanted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(r.want, 1)
}

func (r *replicated) CreateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	c.Replicas = r.wanted()
	return r.JetStream.CreateStream(ctx, c)
}

func (r *replicated) CreateOrUpdateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	c.Replicas = r.wanted()
	return r.JetStream.CreateOrUpdateObjectStore(ctx, c)
}

func (r *replicated) CreateOrUpdateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.want == 0 {
		there, err := r.JetStream.Stream(ctx, recordsPrefix+c.Bucket)
		switch {
		case err == nil:
			r.want = there.CachedInfo().Config.Replicas
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return nil, err
		}
	}
	if c.Replicas = r.want; r.want == 0 {
		c.Replicas = clusterReplicas
	}
	kv, err := r.JetStream.CreateOrUpdateKeyValue(ctx, c)
	if r.want == 0 && tooFewServers(err) {
		c.Replicas = 1
		kv, err = r.JetStream.CreateOrUpdateKeyValue(ctx, c)
	}
	if err != nil && r.want == 0 {
		return nil, fmt.Errorf("%w (is a server of the cluster down? start it, or say how many --replicas to keep)", err)
	}
	if err == nil {
		r.want = c.Replicas
	}
	return kv, err
}

// Codes of errors of the JetStream API that nats.go has no names for.
const (
	noPeers        jetstream.ErrorCode = 10005
	noResources    jetstream.ErrorCode = 10023
	notInClustered jetstream.ErrorCode = 10074
)

// tooFewServers tells that the servers for several replicas are not there. A
// server that is there and down does not count: it will be back.
func tooFewServers(err error) bool {
	var e *jetstream.APIError
	return errors.As(err, &e) && !strings.Contains(e.Description, "offline") &&
		(e.ErrorCode == noPeers || e.ErrorCode == noResources || e.ErrorCode == notInClustered)
}
