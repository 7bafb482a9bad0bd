package object

import (
	"crypto/md5"
	"fmt"
	"reflect"
	"testing"
	"time"

	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A bucket is a machine with its log, as a shell has it.
type bucket struct {
	*testing.T
	m       *Machine
	env     Env
	log     [][]byte // entry 1 first; nil for one that was purged
	garbage map[string]bool
}

func newBucket(t *testing.T, v Versioning) *bucket {
	return &bucket{T: t, m: New([16]byte{1}), env: Env{Now: epoch, Versioning: v, Account: "000000000000", Region: "us-east-1", Bucket: "b"}, garbage: map[string]bool{}}
}

// do runs commands in as many batches as they need, and returns the error of the last.
func (b *bucket) do(cmds ...Command) (err error) {
	b.Helper()
	for len(cmds) > 0 {
		batch := b.m.Begin(b.env)
		n := 0
		for n < len(cmds) && batch.Add(cmds[n]) {
			n++
		}
		if n == 0 {
			b.Fatalf("an empty batch does not take %T", cmds[0])
		}
		b.store(batch.Entry())
		batch.Applied()
		err = errOf(cmds[n-1])
		cmds = cmds[n:]
	}
	return err
}

func (b *bucket) store(entry []byte) {
	b.Helper()
	if entry == nil {
		return
	}
	b.log = append(b.log, entry)
	e, err := b.m.Apply(uint64(len(b.log)), entry)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range e.Garbage {
		if b.garbage[name] {
			b.Errorf("blob %s became garbage twice", name)
		}
		b.garbage[name] = true
	}
}

// errOf is the Err of a command.
func errOf(c Command) error {
	switch c := c.(type) {
	case *Put:
		return c.Err
	case *Delete:
		return c.Err
	case *PutTags:
		return c.Err
	case *CreateUpload:
		return c.Err
	case *PutPart:
		return c.Err
	case *Complete:
		return c.Err
	case *Abort:
		return c.Err
	case *Move:
		return c.Err
	case *HandedOver:
		return c.Err
	case *Close:
		return c.Err
	}
	panic(fmt.Sprintf("%T", c))
}

func etagOf(body string) checksum.ETag { return checksum.ETag{MD5: md5.Sum([]byte(body))} }

// put is a Put of a short body, which stands for its sealed form too.
func put(key, body string) *Put {
	return &Put{Object: Object{Key: key, Modified: epoch, Size: int64(len(body)), ETag: etagOf(body), Encryption: Encryption{Algorithm: AES256}}, Inline: []byte(body), Event: notify.ObjectCreatedPut}
}

// body reads an inline content from the log.
func (b *bucket) body(c Content) string {
	if c.Entry == 0 {
		return "blob:" + c.Blob
	}
	return string(b.log[c.Entry-1][c.Offset : c.Offset+c.Length])
}

func TestPutAndDelete(t *testing.T) {
	b := newBucket(t, Unversioned)
	one, two := put("a", "one"), put("b", "two")
	if err := b.do(one, two); err != nil || len(b.log) != 1 {
		t.Fatalf("%v, %d entries", err, len(b.log))
	}
	if got := b.body(one.Stored.Content) + b.body(two.Stored.Content); got != "onetwo" {
		t.Errorf("contents are %q", got)
	}
	if got, ok := b.m.Get("a", Version{}); !ok || got.Size != 3 || !got.Latest || !got.Null || got.ETag != etagOf("one") || !got.Modified.Equal(epoch) {
		t.Errorf("%v %+v", ok, got)
	}
	d := &Delete{Key: "a"}
	if err := b.do(d); err != nil || d.Removed == nil || d.Marker != nil {
		t.Errorf("%v, %+v", err, d)
	}
	if _, ok := b.m.Get("a", Version{}); ok {
		t.Error("a is still there")
	}
}

func mustEqual(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
