package jetobject_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/object"
	"millrace/runtime/object/blob"
	"millrace/runtime/object/checksum"
	"millrace/runtime/object/content"
	"millrace/runtime/object/jetobject"
	"millrace/runtime/object/notify"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/loss"
	"millrace/runtime/store/record"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

var ctx = context.Background()

// An env is buckets on an embedded backbone, which can be closed and opened.
type env struct {
	testing.TB
	dir      string
	root     keys.Root
	sync     backbone.Sync
	config   jetobject.Config
	outbox   *outbox
	losses   []loss.Loss
	backbone *backbone.Backbone
	records  *record.Store
	ring     *keys.Ring
	blobs    blob.Store
	buckets  *jetobject.Buckets
}

func start(tb testing.TB, c jetobject.Config) *env {
	tb.Helper()
	e := &env{TB: tb, dir: tb.TempDir(), root: keys.NewRoot(), config: c, outbox: &outbox{}}
	e.open()
	tb.Cleanup(func() { e.close() })
	return e
}

// bubble runs a test in a bubble, on buckets of its own.
func bubble(t *testing.T, test func(e *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(start(t, jetobject.Config{})) })
}

func (e *env) open() {
	e.Helper()
	e.backbone = backbone.New(backbone.Config{Dir: filepath.Join(e.dir, "jetstream"), Sync: e.sync})
	if err := e.backbone.Start(ctx); err != nil {
		e.Fatal(err)
	}
	e.records = record.New(e.backbone.JetStream(), nil)
	if err := e.records.Start(ctx); err != nil {
		e.Fatal(err)
	}
	var err error
	if e.ring, err = keys.Open(e.records, e.root, time.Now); err != nil {
		e.Fatal(err)
	}
	e.blobs = blob.NewFiles(blob.FilesConfig{Dir: filepath.Join(e.dir, "blobs")})
	c := e.config
	c.Backbone, c.Records, c.Keys, c.Blobs = e.backbone, e.records, e.ring, e.blobs
	c.Dir, c.Outbox = filepath.Join(e.dir, "buckets"), e.outbox
	c.OnLoss = func(l loss.Loss) error {
		e.losses = append(e.losses, l)
		return nil
	}
	e.buckets = jetobject.New(c)
	if err := e.buckets.Start(ctx); err != nil {
		e.Fatal(err)
	}
}

func (e *env) close() {
	if err := errors.Join(e.buckets.Stop(ctx), e.records.Stop(ctx), e.backbone.Stop(ctx)); err != nil {
		e.Errorf("closing: %v", err)
	}
}

func (e *env) reopen() {
	e.Helper()
	e.close()
	e.open()
}

// kill opens what a process leaves that is killed now.
func (e *env) kill() {
	e.Helper()
	left := e.TempDir()
	for err := os.CopyFS(left, os.DirFS(e.dir)); err != nil; err = os.CopyFS(left, os.DirFS(e.dir)) {
		if !errors.Is(err, os.ErrNotExist) { // it was removed while it was copied
			e.Fatal(err)
		}
		left = e.TempDir()
	}
	e.close()
	e.dir = left
	e.open()
}

const name = "photos"

func (e *env) create(settings object.Settings) *jetobject.Bucket {
	e.Helper()
	return create(e, e.buckets, settings)
}

func create(tb testing.TB, buckets *jetobject.Buckets, settings object.Settings) *jetobject.Bucket {
	tb.Helper()
	b, err := buckets.Create(ctx, jetobject.Draft{ID: object.ID{Account: "000000000000", Region: "us-east-1", Name: name}, Settings: settings})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func (e *env) bucket() *jetobject.Bucket {
	e.Helper()
	return find(e, e.buckets)
}

func find(tb testing.TB, buckets *jetobject.Buckets) *jetobject.Bucket {
	tb.Helper()
	b, err := buckets.Find(ctx, name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// put stores an object.
func put(tb testing.TB, b *jetobject.Bucket, key string, text []byte) object.Object {
	tb.Helper()
	c, err := tryPut(b, key, text, object.Condition{})
	if err == nil {
		err = c.Err
	}
	if err != nil {
		tb.Fatalf("putting %q: %v", key, err)
	}
	return c.Stored
}

func tryPut(b *jetobject.Bucket, key string, text []byte, condition object.Condition) (*object.Put, error) {
	body, err := b.NewBody(ctx, object.Encryption{Algorithm: "AES256"}, nil)
	if err != nil {
		return nil, err
	}
	defer body.Discard()
	if _, err := io.Copy(body, bytes.NewReader(text)); err != nil {
		return nil, err
	}
	written, err := body.Finish()
	if err != nil {
		return nil, err
	}
	c := &object.Put{Condition: condition, Event: notify.ObjectCreatedPut}
	c.Object = object.Object{Key: key, Modified: time.Now(), Size: written.Size, ETag: written.ETag}
	c.Object.Content, c.Inline = written.Content()
	return c, b.Do(ctx, c)
}

// putPart stores a part of an upload.
func putPart(tb testing.TB, b *jetobject.Bucket, key, upload string, number int, text []byte) object.CompletedPart {
	tb.Helper()
	body, err := b.NewBody(ctx, object.Encryption{}, nil, checksum.CRC64NVME)
	if err != nil {
		tb.Fatal(err)
	}
	defer body.Discard()
	body.Write(text)
	written, err := body.Finish()
	if err != nil {
		tb.Fatal(err)
	}
	c := &object.PutPart{Key: key, Upload: upload, Part: object.Part{Number: number, Size: written.Size, ETag: written.ETag, Checksum: written.Sums[0], Modified: time.Now()}}
	c.Part.Content, c.Inline = written.Content()
	if err := errors.Join(b.Do(ctx, c), c.Err); err != nil {
		tb.Fatal(err)
	}
	return object.CompletedPart{Number: number, ETag: written.ETag.String()}
}

func remove(tb testing.TB, b *jetobject.Bucket, key string) {
	tb.Helper()
	c := &object.Delete{Key: key}
	if err := errors.Join(b.Do(ctx, c), c.Err); err != nil {
		tb.Fatal(err)
	}
}

// read returns the content of an object.
func read(b *jetobject.Bucket, key string) ([]byte, error) {
	o, err := b.Get(ctx, key, object.Version{})
	if err != nil {
		return nil, err
	}
	return readRange(b, o, 0, o.Size, nil)
}

func readRange(b *jetobject.Bucket, o object.Object, from, to int64, customer *content.CustomerKey) ([]byte, error) {
	r, err := b.Open(ctx, o, from, to, customer)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func want(tb testing.TB, b *jetobject.Bucket, key string, text []byte) {
	tb.Helper()
	if got, err := read(b, key); err != nil || !bytes.Equal(got, text) {
		tb.Errorf("%q has %d bytes (%v), want %d", key, len(got), err, len(text))
	}
}

func wantNone(tb testing.TB, b *jetobject.Bucket, key string) {
	tb.Helper()
	if _, err := b.Get(ctx, key, object.Version{}); !errors.Is(err, object.ErrNoSuchKey) {
		tb.Errorf("%q is there: %v", key, err)
	}
}

// text is some bytes that differ with their seed.
func text(seed, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(seed + i + i>>8 + i>>16)
	}
	return b
}

const (
	short = 1000
	long  = 200 << 10 // more than goes into the log
)

// blobFiles counts the files of blobs.
func (e *env) blobFiles() (n int) {
	filepath.WalkDir(filepath.Join(e.dir, "blobs"), func(_ string, f os.DirEntry, err error) error {
		if err == nil && !f.IsDir() {
			n++
		}
		return nil
	})
	return n
}

// An outbox keeps what it is given.
type outbox struct {
	mu   sync.Mutex
	fail error
	got  []delivery.Event
}

func (o *outbox) Put(_ context.Context, _ string, e delivery.Event, _ delivery.Policy) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return o.fail
	}
	o.got = append(o.got, e)
	return nil
}

func (o *outbox) setFail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = err
}

func (o *outbox) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.got)
}

// settle waits until nothing is left to do at once.
func settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

var unavailable = fault.New(fault.Unavailable, "not now")
