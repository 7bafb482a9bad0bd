package backbone

import (
	"context"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// trackedJetStream is a JetStream that reports writes to the syncer, and fails at once
// while the backbone is down.
type trackedJetStream struct {
	jetstream.JetStream
	b *Backbone
}

// write makes a call that writes to a stream, and reports the write to the syncer even
// after an error: the server may have written all the same.
func write[T any](ctx context.Context, b *Backbone, stream string, call func(context.Context) (T, error)) (T, error) {
	defer b.Wrote(stream)
	return inSession(ctx, b, call)
}

// writeOnly is write for a call that returns nothing else.
func writeOnly(ctx context.Context, b *Backbone, stream string, call func(context.Context) error) error {
	_, err := write(ctx, b, stream, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	return err
}

// create is write for a call that makes a stream.
func create[T any](ctx context.Context, b *Backbone, stream string, call func(context.Context) (T, error)) (T, error) {
	return write(ctx, b, stream, func(ctx context.Context) (T, error) {
		if err := b.folders.prepare(stream); err != nil {
			var none T
			return none, err
		}
		return call(ctx)
	})
}

// remove is write for a call that deletes a stream, which embedded is the folders' to do.
func remove(ctx context.Context, b *Backbone, stream string, call func(context.Context) error) error {
	return writeOnly(ctx, b, stream, func(ctx context.Context) error {
		if b.folders != nil {
			return b.folders.remove(ctx, stream)
		}
		return call(ctx)
	})
}

func (n trackedJetStream) Publish(ctx context.Context, subject string, data []byte, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	return n.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data}, opts...)
}

func (n trackedJetStream) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := inSession(ctx, n.b, func(ctx context.Context) (*jetstream.PubAck, error) { return n.JetStream.PublishMsg(ctx, msg, opts...) })
	if err == nil {
		n.b.Wrote(ack.Stream)
	}
	return ack, err
}

func (n trackedJetStream) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	return inSession(ctx, n.b, func(ctx context.Context) (jetstream.Stream, error) { return n.JetStream.Stream(ctx, name) })
}

func (n trackedJetStream) CreateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return create(ctx, n.b, c.Name, func(ctx context.Context) (jetstream.Stream, error) { return n.JetStream.CreateStream(ctx, c) })
}

func (n trackedJetStream) UpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return write(ctx, n.b, c.Name, func(ctx context.Context) (jetstream.Stream, error) { return n.JetStream.UpdateStream(ctx, c) })
}

func (n trackedJetStream) CreateOrUpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return create(ctx, n.b, c.Name, func(ctx context.Context) (jetstream.Stream, error) { return n.JetStream.CreateOrUpdateStream(ctx, c) })
}

func (n trackedJetStream) DeleteStream(ctx context.Context, name string) error {
	return remove(ctx, n.b, name, func(ctx context.Context) error { return n.JetStream.DeleteStream(ctx, name) })
}

// Names of the streams of buckets (ADR-8, ADR-20).
const (
	recordsPrefix = "KV_"
	objectsPrefix = "OBJ_"
)

func (n trackedJetStream) records(kv jetstream.KeyValue, err error) (jetstream.KeyValue, error) {
	if err != nil {
		return nil, err
	}
	return trackedRecords{kv, n.b, recordsPrefix + kv.Bucket()}, nil
}

func (n trackedJetStream) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	return n.records(n.JetStream.KeyValue(ctx, bucket))
}

func (n trackedJetStream) CreateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	return n.records(create(ctx, n.b, recordsPrefix+c.Bucket, func(ctx context.Context) (jetstream.KeyValue, error) { return n.JetStream.CreateKeyValue(ctx, c) }))
}

func (n trackedJetStream) UpdateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	return n.records(write(ctx, n.b, recordsPrefix+c.Bucket, func(ctx context.Context) (jetstream.KeyValue, error) { return n.JetStream.UpdateKeyValue(ctx, c) }))
}

func (n trackedJetStream) CreateOrUpdateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	return n.records(create(ctx, n.b, recordsPrefix+c.Bucket, func(ctx context.Context) (jetstream.KeyValue, error) {
		return n.JetStream.CreateOrUpdateKeyValue(ctx, c)
	}))
}

func (n trackedJetStream) DeleteKeyValue(ctx context.Context, bucket string) error {
	return remove(ctx, n.b, recordsPrefix+bucket, func(ctx context.Context) error { return n.JetStream.DeleteKeyValue(ctx, bucket) })
}

func (n trackedJetStream) objects(o jetstream.ObjectStore, bucket string, err error) (jetstream.ObjectStore, error) {
	if err != nil {
		return nil, err
	}
	return trackedObjects{o, n.b, objectsPrefix + bucket}, nil
}

func (n trackedJetStream) ObjectStore(ctx context.Context, bucket string) (jetstream.ObjectStore, error) {
	o, err := n.JetStream.ObjectStore(ctx, bucket)
	return n.objects(o, bucket, err)
}

func (n trackedJetStream) CreateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	o, err := create(ctx, n.b, objectsPrefix+c.Bucket, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return n.JetStream.CreateObjectStore(ctx, c)
	})
	return n.objects(o, c.Bucket, err)
}

func (n trackedJetStream) UpdateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	o, err := write(ctx, n.b, objectsPrefix+c.Bucket, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return n.JetStream.UpdateObjectStore(ctx, c)
	})
	return n.objects(o, c.Bucket, err)
}

func (n trackedJetStream) CreateOrUpdateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	o, err := create(ctx, n.b, objectsPrefix+c.Bucket, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return n.JetStream.CreateOrUpdateObjectStore(ctx, c)
	})
	return n.objects(o, c.Bucket, err)
}

func (n trackedJetStream) DeleteObjectStore(ctx context.Context, bucket string) error {
	return remove(ctx, n.b, objectsPrefix+bucket, func(ctx context.Context) error { return n.JetStream.DeleteObjectStore(ctx, bucket) })
}

// trackedRecords is a key-value bucket.
type trackedRecords struct {
	jetstream.KeyValue
	b      *Backbone
	stream string
}

func (n trackedRecords) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (uint64, error) { return n.KeyValue.Put(ctx, key, value) })
}

func (n trackedRecords) PutString(ctx context.Context, key string, value string) (uint64, error) {
	return n.Put(ctx, key, []byte(value))
}

func (n trackedRecords) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (uint64, error) { return n.KeyValue.Create(ctx, key, value, opts...) })
}

func (n trackedRecords) Update(ctx context.Context, key string, value []byte, last uint64) (uint64, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (uint64, error) { return n.KeyValue.Update(ctx, key, value, last) })
}

func (n trackedRecords) Delete(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.KeyValue.Delete(ctx, key, opts...) })
}

func (n trackedRecords) Purge(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.KeyValue.Purge(ctx, key, opts...) })
}

func (n trackedRecords) PurgeDeletes(ctx context.Context, opts ...jetstream.KVPurgeOpt) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.KeyValue.PurgeDeletes(ctx, opts...) })
}

// trackedObjects is an object store.
type trackedObjects struct {
	jetstream.ObjectStore
	b      *Backbone
	stream string
}

func (n trackedObjects) Put(ctx context.Context, about jetstream.ObjectMeta, r io.Reader) (*jetstream.ObjectInfo, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.Put(ctx, about, r)
	})
}

func (n trackedObjects) PutBytes(ctx context.Context, name string, data []byte) (*jetstream.ObjectInfo, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.PutBytes(ctx, name, data)
	})
}

func (n trackedObjects) PutString(ctx context.Context, name, data string) (*jetstream.ObjectInfo, error) {
	return n.PutBytes(ctx, name, []byte(data))
}

func (n trackedObjects) PutFile(ctx context.Context, file string) (*jetstream.ObjectInfo, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.PutFile(ctx, file)
	})
}

func (n trackedObjects) UpdateMeta(ctx context.Context, name string, about jetstream.ObjectMeta) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.ObjectStore.UpdateMeta(ctx, name, about) })
}

func (n trackedObjects) Delete(ctx context.Context, name string) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.ObjectStore.Delete(ctx, name) })
}

func (n trackedObjects) AddLink(ctx context.Context, name string, to *jetstream.ObjectInfo) (*jetstream.ObjectInfo, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.AddLink(ctx, name, to)
	})
}

func (n trackedObjects) AddBucketLink(ctx context.Context, name string, to jetstream.ObjectStore) (*jetstream.ObjectInfo, error) {
	if wrapped, ok := to.(trackedObjects); ok {
		to = wrapped.ObjectStore // the client wants its own
	}
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.AddBucketLink(ctx, name, to)
	})
}

func (n trackedObjects) Seal(ctx context.Context) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.ObjectStore.Seal(ctx) })
}

// What is only read fails at once too.

func (n trackedObjects) GetBytes(ctx context.Context, name string, opts ...jetstream.GetObjectOpt) ([]byte, error) {
	return inSession(ctx, n.b, func(ctx context.Context) ([]byte, error) { return n.ObjectStore.GetBytes(ctx, name, opts...) })
}

func (n trackedObjects) GetInfo(ctx context.Context, name string, opts ...jetstream.GetObjectInfoOpt) (*jetstream.ObjectInfo, error) {
	return inSession(ctx, n.b, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.GetInfo(ctx, name, opts...)
	})
}
