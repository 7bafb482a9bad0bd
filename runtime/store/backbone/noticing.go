package backbone

import (
	"context"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// noticing is a JetStream that tells the disk of what is written with it, and that
// fails at once while the backbone is down.
type noticing struct {
	jetstream.JetStream
	b *Backbone
}

// write makes a call that writes to a stream, and tells the disk, whether the
// write was acknowledged or not: nobody knows what an error has written.
func write[T any](ctx context.Context, b *Backbone, stream string, call func(context.Context) (T, error)) (T, error) {
	defer b.Wrote(stream)
	return while(ctx, b, call)
}

// writeOnly is write for a call that returns nothing else.
func writeOnly(ctx context.Context, b *Backbone, stream string, call func(context.Context) error) error {
	_, err := write(ctx, b, stream, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	return err
}

// create is write for a call that makes a stream.
func create[T any](ctx context.Context, b *Backbone, stream string, call func(context.Context) (T, error)) (T, error) {
	return write(ctx, b, stream, func(ctx context.Context) (T, error) {
		if err := b.folders.make(stream); err != nil {
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

func (n noticing) Publish(ctx context.Context, subject string, data []byte, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	return n.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data}, opts...)
}

func (n noticing) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := while(ctx, n.b, func(ctx context.Context) (*jetstream.PubAck, error) { return n.JetStream.PublishMsg(ctx, msg, opts...) })
	if err == nil {
		n.b.Wrote(ack.Stream)
	}
	return ack, err
}

func (n noticing) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	return while(ctx, n.b, func(ctx context.Context) (jetstream.Stream, error) { return n.JetStream.Stream(ctx, name) })
}

func (n noticing) CreateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return create(ctx, n.b, c.Name, func(ctx context.Context) (jetstream.Stream, error) { return n.JetStream.CreateStream(ctx, c) })
}

func (n noticing) UpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return write(ctx, n.b, c.Name, func(ctx context.Context) (jetstream.Stream, error) { return n.JetStream.UpdateStream(ctx, c) })
}

func (n noticing) CreateOrUpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	return create(ctx, n.b, c.Name, func(ctx context.Context) (jetstream.Stream, error) { return n.JetStream.CreateOrUpdateStream(ctx, c) })
}

func (n noticing) DeleteStream(ctx context.Context, name string) error {
	return remove(ctx, n.b, name, func(ctx context.Context) error { return n.JetStream.DeleteStream(ctx, name) })
}

// Names of the streams of buckets (ADR-8, ADR-20).
const (
	recordsPrefix = "KV_"
	objectsPrefix = "OBJ_"
)

func (n noticing) records(kv jetstream.KeyValue, err error) (jetstream.KeyValue, error) {
	if err != nil {
		return nil, err
	}
	return noticingRecords{kv, n.b, recordsPrefix + kv.Bucket()}, nil
}

func (n noticing) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	return n.records(n.JetStream.KeyValue(ctx, bucket))
}

func (n noticing) CreateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	return n.records(create(ctx, n.b, recordsPrefix+c.Bucket, func(ctx context.Context) (jetstream.KeyValue, error) { return n.JetStream.CreateKeyValue(ctx, c) }))
}

func (n noticing) UpdateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	return n.records(write(ctx, n.b, recordsPrefix+c.Bucket, func(ctx context.Context) (jetstream.KeyValue, error) { return n.JetStream.UpdateKeyValue(ctx, c) }))
}

func (n noticing) CreateOrUpdateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	return n.records(create(ctx, n.b, recordsPrefix+c.Bucket, func(ctx context.Context) (jetstream.KeyValue, error) {
		return n.JetStream.CreateOrUpdateKeyValue(ctx, c)
	}))
}

func (n noticing) DeleteKeyValue(ctx context.Context, bucket string) error {
	return remove(ctx, n.b, recordsPrefix+bucket, func(ctx context.Context) error { return n.JetStream.DeleteKeyValue(ctx, bucket) })
}

func (n noticing) objects(o jetstream.ObjectStore, bucket string, err error) (jetstream.ObjectStore, error) {
	if err != nil {
		return nil, err
	}
	return noticingObjects{o, n.b, objectsPrefix + bucket}, nil
}

func (n noticing) ObjectStore(ctx context.Context, bucket string) (jetstream.ObjectStore, error) {
	o, err := n.JetStream.ObjectStore(ctx, bucket)
	return n.objects(o, bucket, err)
}

func (n noticing) CreateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	o, err := create(ctx, n.b, objectsPrefix+c.Bucket, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return n.JetStream.CreateObjectStore(ctx, c)
	})
	return n.objects(o, c.Bucket, err)
}

func (n noticing) UpdateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	o, err := write(ctx, n.b, objectsPrefix+c.Bucket, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return n.JetStream.UpdateObjectStore(ctx, c)
	})
	return n.objects(o, c.Bucket, err)
}

func (n noticing) CreateOrUpdateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	o, err := create(ctx, n.b, objectsPrefix+c.Bucket, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return n.JetStream.CreateOrUpdateObjectStore(ctx, c)
	})
	return n.objects(o, c.Bucket, err)
}

func (n noticing) DeleteObjectStore(ctx context.Context, bucket string) error {
	return remove(ctx, n.b, objectsPrefix+bucket, func(ctx context.Context) error { return n.JetStream.DeleteObjectStore(ctx, bucket) })
}

// noticingRecords is a key-value bucket.
type noticingRecords struct {
	jetstream.KeyValue
	b      *Backbone
	stream string
}

func (n noticingRecords) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (uint64, error) { return n.KeyValue.Put(ctx, key, value) })
}

func (n noticingRecords) PutString(ctx context.Context, key string, value string) (uint64, error) {
	return n.Put(ctx, key, []byte(value))
}

func (n noticingRecords) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (uint64, error) { return n.KeyValue.Create(ctx, key, value, opts...) })
}

func (n noticingRecords) Update(ctx context.Context, key string, value []byte, last uint64) (uint64, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (uint64, error) { return n.KeyValue.Update(ctx, key, value, last) })
}

func (n noticingRecords) Delete(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.KeyValue.Delete(ctx, key, opts...) })
}

func (n noticingRecords) Purge(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.KeyValue.Purge(ctx, key, opts...) })
}

func (n noticingRecords) PurgeDeletes(ctx context.Context, opts ...jetstream.KVPurgeOpt) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.KeyValue.PurgeDeletes(ctx, opts...) })
}

// noticingObjects is an object store.
type noticingObjects struct {
	jetstream.ObjectStore
	b      *Backbone
	stream string
}

func (n noticingObjects) Put(ctx context.Context, about jetstream.ObjectMeta, r io.Reader) (*jetstream.ObjectInfo, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.Put(ctx, about, r)
	})
}

func (n noticingObjects) PutBytes(ctx context.Context, name string, data []byte) (*jetstream.ObjectInfo, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.PutBytes(ctx, name, data)
	})
}

func (n noticingObjects) PutString(ctx context.Context, name, data string) (*jetstream.ObjectInfo, error) {
	return n.PutBytes(ctx, name, []byte(data))
}

func (n noticingObjects) PutFile(ctx context.Context, file string) (*jetstream.ObjectInfo, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.PutFile(ctx, file)
	})
}

func (n noticingObjects) UpdateMeta(ctx context.Context, name string, about jetstream.ObjectMeta) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.ObjectStore.UpdateMeta(ctx, name, about) })
}

func (n noticingObjects) Delete(ctx context.Context, name string) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.ObjectStore.Delete(ctx, name) })
}

func (n noticingObjects) AddLink(ctx context.Context, name string, to *jetstream.ObjectInfo) (*jetstream.ObjectInfo, error) {
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.AddLink(ctx, name, to)
	})
}

func (n noticingObjects) AddBucketLink(ctx context.Context, name string, to jetstream.ObjectStore) (*jetstream.ObjectInfo, error) {
	if wrapped, ok := to.(noticingObjects); ok {
		to = wrapped.ObjectStore // the client wants its own
	}
	return write(ctx, n.b, n.stream, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.AddBucketLink(ctx, name, to)
	})
}

func (n noticingObjects) Seal(ctx context.Context) error {
	return writeOnly(ctx, n.b, n.stream, func(ctx context.Context) error { return n.ObjectStore.Seal(ctx) })
}

// What is only read fails at once too.

func (n noticingObjects) GetBytes(ctx context.Context, name string, opts ...jetstream.GetObjectOpt) ([]byte, error) {
	return while(ctx, n.b, func(ctx context.Context) ([]byte, error) { return n.ObjectStore.GetBytes(ctx, name, opts...) })
}

func (n noticingObjects) GetInfo(ctx context.Context, name string, opts ...jetstream.GetObjectInfoOpt) (*jetstream.ObjectInfo, error) {
	return while(ctx, n.b, func(ctx context.Context) (*jetstream.ObjectInfo, error) {
		return n.ObjectStore.GetInfo(ctx, name, opts...)
	})
}
