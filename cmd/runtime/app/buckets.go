package app

import (
	"context"
	"maps"
	"path/filepath"

	"millrace/runtime/object/blob"
	"millrace/runtime/object/destination"
	"millrace/runtime/object/jetobject"
	"millrace/services/admin"
)

// newBuckets makes the buckets of S3. intact is as in jetobject.Config.VerifyStored, truncated
// are the streams whose end was found cut short.
func (a *App) newBuckets(intact func() error, truncated map[string]bool) *jetobject.Buckets {
	c := jetobject.Config{
		Backbone: a.store, Records: a.records, Keys: a.keys, Cluster: a.others, TruncatedStreams: truncated,
		Gate: a.gate, AdmitWrite: a.mayWrite, VerifyStored: intact, OnLoss: a.losses.Add, Log: a.cfg.Log,
		CacheBytes: a.cfg.Memory.BodyCacheBytes(), ConcurrentReads: a.cfg.Memory.ConcurrentLoads(),
	}
	if a.cfg.NATS != "" {
		c.Blobs = blob.NewChunks(a.store.JetStream())
	} else {
		files := blob.FilesConfig{Dir: a.blobsDir(), Sync: a.store, Room: a.gate}
		if a.cfg.MaxStore > 0 {
			files.Usage = &a.blobs
		}
		c.Blobs = blob.NewFiles(files)
		c.Dir = filepath.Join(a.cfg.Data, "buckets")
	}
	if a.outbox != nil { // who only examines tells nobody
		c.Outbox, c.Resolve = a.outbox, a.targets.Resolve
		maps.Copy(a.senders, destination.Senders())
	}
	return jetobject.New(c)
}

func (a *App) blobsDir() string { return filepath.Join(a.cfg.Data, "objects") }

// startBuckets finds the buckets. What is cut short of their logs is known then.
func (a *App) startBuckets(ctx context.Context) error {
	a.buckets = a.newBuckets(a.intact, a.truncated.streams)
	err := a.stack.Start(ctx, "buckets", a.buckets)
	a.bucketsRead = err == nil
	return err
}

// countObjects counts the buckets, and the versions of objects in those that were used.
func (a *App) countObjects(context.Context) ([]admin.Count, error) {
	buckets, objects := a.buckets.Count()
	return []admin.Count{{Of: "buckets", N: buckets}, {Of: "objects", N: objects}}, nil
}
