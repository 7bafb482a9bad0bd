package backbone

import (
	"context"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// noticing is a JetStream that tells the disk of what is written with it.
type noticing struct {
	jetstream.JetStream
	disk *disk
}

// after tells the disk, whether the write was acknowledged or not: nobody knows
// what an error has written.
func after[T any](d *disk, stream string, v T, err error) (T, error) {
	d.wrote(stream)
	return v, err
}

func (n noticing) Publish(ctx context.Context, subject string, data []byte, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	return n.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data}, opts...)
}

func (n noticing) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := n.JetStream.PublishMsg(ctx, msg, opts...)
	if err == nil {
		n.disk.wrote(ack.Stream)
	}
	return ack, err
}

func (n noticing) CreateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := n.JetStream.CreateStream(ctx, c)
	return after(n.disk, c.Name, s, err)
}

func (n noticing) UpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := n.JetStream.UpdateStream(ctx, c)
	return after(n.disk, c.Name, s, err)
}

func (n noticing) CreateOrUpdateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := n.JetStream.CreateOrUpdateStream(ctx, c)
	return after(n.disk, c.Name, s, err)
}

func (n noticing) DeleteStream(ctx context.Context, name string) error {
	defer n.disk.wrote(name)
	return n.JetStream.DeleteStream(ctx, name)
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
	return noticingRecords{kv, n.disk, recordsPrefix + kv.Bucket()}, nil
}

func (n noticing) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	return n.records(n.JetStream.KeyValue(ctx, bucket))
}

func (n noticing) CreateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	defer n.disk.wrote(recordsPrefix + c.Bucket)
	return n.records(n.JetStream.CreateKeyValue(ctx, c))
}

func (n noticing) UpdateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	defer n.disk.wrote(recordsPrefix + c.Bucket)
	return n.records(n.JetStream.UpdateKeyValue(ctx, c))
}

func (n noticing) CreateOrUpdateKeyValue(ctx context.Context, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	defer n.disk.wrote(recordsPrefix + c.Bucket)
	return n.records(n.JetStream.CreateOrUpdateKeyValue(ctx, c))
}

func (n noticing) DeleteKeyValue(ctx context.Context, bucket string) error {
	defer n.disk.wrote(recordsPrefix + bucket)
	return n.JetStream.DeleteKeyValue(ctx, bucket)
}

func (n noticing) objects(o jetstream.ObjectStore, bucket string, err error) (jetstream.ObjectStore, error) {
	if err != nil {
		return nil, err
	}
	return noticingObjects{o, n.disk, objectsPrefix + bucket}, nil
}

func (n noticing) ObjectStore(ctx context.Context, bucket string) (jetstream.ObjectStore, error) {
	o, err := n.JetStream.ObjectStore(ctx, bucket)
	return n.objects(o, bucket, err)
}

func (n noticing) CreateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	defer n.disk.wrote(objectsPrefix + c.Bucket)
	o, err := n.JetStream.CreateObjectStore(ctx, c)
	return n.objects(o, c.Bucket, err)
}

func (n noticing) UpdateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	defer n.disk.wrote(objectsPrefix + c.Bucket)
	o, err := n.JetStream.UpdateObjectStore(ctx, c)
	return n.objects(o, c.Bucket, err)
}

func (n noticing) CreateOrUpdateObjectStore(ctx context.Context, c jetstream.ObjectStoreConfig) (jetstream.ObjectStore, error) {
	defer n.disk.wrote(objectsPrefix + c.Bucket)
	o, err := n.JetStream.CreateOrUpdateObjectStore(ctx, c)
	return n.objects(o, c.Bucket, err)
}

func (n noticing) DeleteObjectStore(ctx context.Context, bucket string) error {
	defer n.disk.wrote(objectsPrefix + bucket)
	return n.JetStream.DeleteObjectStore(ctx, bucket)
}

// noticingRecords is a key-value bucket.
type noticingRecords struct {
	jetstream.KeyValue
	disk   *disk
	stream string
}

func (n noticingRecords) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	v, err := n.KeyValue.Put(ctx, key, value)
	return after(n.disk, n.stream, v, err)
}

func (n noticingRecords) PutString(ctx context.Context, key string, value string) (uint64, error) {
	return n.Put(ctx, key, []byte(value))
}

func (n noticingRecords) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error) {
	v, err := n.KeyValue.Create(ctx, key, value, opts...)
	return after(n.disk, n.stream, v, err)
}

func (n noticingRecords) Update(ctx context.Context, key string, value []byte, last uint64) (uint64, error) {
	v, err := n.KeyValue.Update(ctx, key, value, last)
	return after(n.disk, n.stream, v, err)
}

func (n noticingRecords) Delete(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	defer n.disk.wrote(n.stream)
	return n.KeyValue.Delete(ctx, key, opts...)
}

func (n noticingRecords) Purge(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	defer n.disk.wrote(n.stream)
	return n.KeyValue.Purge(ctx, key, opts...)
}

func (n noticingRecords) PurgeDeletes(ctx context.Context, opts ...jetstream.KVPurgeOpt) error {
	defer n.disk.wrote(n.stream)
	return n.KeyValue.PurgeDeletes(ctx, opts...)
}

// noticingObjects is an object store.
type noticingObjects struct {
	jetstream.ObjectStore
	disk   *disk
	stream string
}

func (n noticingObjects) Put(ctx context.Context, about jetstream.ObjectMeta, r io.Reader) (*jetstream.ObjectInfo, error) {
	v, err := n.ObjectStore.Put(ctx, about, r)
	return after(n.disk, n.stream, v, err)
}

func (n noticingObjects) PutBytes(ctx context.Context, name string, data []byte) (*jetstream.ObjectInfo, error) {
	v, err := n.ObjectStore.PutBytes(ctx, name, data)
	return after(n.disk, n.stream, v, err)
}

func (n noticingObjects) PutString(ctx context.Context, name, data string) (*jetstream.ObjectInfo, error) {
	return n.PutBytes(ctx, name, []byte(data))
}

func (n noticingObjects) PutFile(ctx context.Context, file string) (*jetstream.ObjectInfo, error) {
	v, err := n.ObjectStore.PutFile(ctx, file)
	return after(n.disk, n.stream, v, err)
}

func (n noticingObjects) UpdateMeta(ctx context.Context, name string, about jetstream.ObjectMeta) error {
	defer n.disk.wrote(n.stream)
	return n.ObjectStore.UpdateMeta(ctx, name, about)
}

func (n noticingObjects) Delete(ctx context.Context, name string) error {
	defer n.disk.wrote(n.stream)
	return n.ObjectStore.Delete(ctx, name)
}

func (n noticingObjects) AddLink(ctx context.Context, name string, to *jetstream.ObjectInfo) (*jetstream.ObjectInfo, error) {
	v, err := n.ObjectStore.AddLink(ctx, name, to)
	return after(n.disk, n.stream, v, err)
}

func (n noticingObjects) AddBucketLink(ctx context.Context, name string, to jetstream.ObjectStore) (*jetstream.ObjectInfo, error) {
	if wrapped, ok := to.(noticingObjects); ok {
		to = wrapped.ObjectStore // the client wants its own
	}
	v, err := n.ObjectStore.AddBucketLink(ctx, name, to)
	return after(n.disk, n.stream, v, err)
}

func (n noticingObjects) Seal(ctx context.Context) error {
	defer n.disk.wrote(n.stream)
	return n.ObjectStore.Seal(ctx)
}
