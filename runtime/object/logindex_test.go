package object

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Moving what is live frees everything before it, and the log that is left leads to the
// same state.
func TestMoveFreesTheLog(t *testing.T) {
	b := newBucket(t, Unversioned)
	b.do(put("kept", "one"), put("replaced", "two"))
	for i := range 100 {
		b.do(put("replaced", strings.Repeat("x", 1000+i)))
	}
	if b.m.FirstLive() != 1 || !slices.Equal(b.m.Movable(1), []uint64{1}) {
		t.Fatalf("first live entry %d, movable %v", b.m.FirstLive(), b.m.Movable(1))
	}
	b.do(&Move{Seq: 1, Entry: b.log[0]})
	if b.m.FirstLive() != 101 || b.m.TrimmableBytes() < 100_000 {
		t.Errorf("first live entry %d, %d bytes to trim", b.m.FirstLive(), b.m.TrimmableBytes())
	}
	if o, _ := b.m.Get("kept", Version{}); b.body(o.Content) != "one" || o.Content.Entry != 102 {
		t.Errorf("the moved object is %+v", o)
	}
	if m := b.replay(New([16]byte{1}), 101); !bytes.Equal(stateOf(t, m), stateOf(t, b.m)) {
		t.Error("a replay of what is left leads to another state")
	}
	e, err := ReadEntry(b.log[101])
	if err != nil || e.FirstLive != 1 {
		t.Errorf("the entry says that %d was the first live one, %v", e.FirstLive, err)
	}
}

// A tag is written without the content, which stays where it is, and moves with it.
func TestTagsAndContentsMoveTogether(t *testing.T) {
	b := newBucket(t, Unversioned)
	b.do(put("k", "content"))
	c := &PutTags{Key: "k", Tags: []Tag{{"a", "b"}}}
	b.do(c)
	if c.Stored.Content.Entry != 1 || b.m.FirstLive() != 1 {
		t.Fatalf("content at %+v", c.Stored.Content)
	}
	b.do(put("other", "x"))
	b.do(&Move{Seq: 1, Entry: b.log[0]}, &Move{Seq: 2, Entry: b.log[1]})
	o, _ := b.m.Get("k", Version{})
	if b.m.FirstLive() != 3 || b.body(o.Content) != "content" || len(o.Tags) != 1 {
		t.Errorf("first live %d, %+v", b.m.FirstLive(), o)
	}
	if err := b.do(&Move{Seq: 9, Entry: []byte("damaged")}); err == nil {
		t.Error("a damaged entry is moved")
	}
}

// What commands of a batch are decided on, a Move in it does not move away.
func TestMovesComeFirstAndAlone(t *testing.T) {
	b := newBucket(t, Unversioned)
	b.do(put("k", "content"))
	b.do(put("other", "x"))
	batch := b.m.Begin(b.env)
	if !batch.Add(put("a", "x")) || batch.Add(&Move{Seq: 1, Entry: b.log[0]}) {
		t.Error("a Move comes behind another command")
	}
	batch = b.m.Begin(b.env)
	if !batch.Add(&Move{Seq: 1, Entry: b.log[0]}) || batch.Add(&PutTags{Key: "k"}) || !batch.Add(put("a", "x")) {
		t.Error("what is moved is not claimed, or more than that")
	}
}

func TestFullEntries(t *testing.T) {
	b := newBucket(t, Unversioned)
	batch := b.m.Begin(b.env)
	n := 0
	for batch.Add(&Put{Object: Object{Key: fmt.Sprint(n)}, Inline: make([]byte, MaxInline)}) {
		n++
	}
	if size := len(batch.Entry()); n < 10 || size > DefaultMaxEntry {
		t.Errorf("%d puts, %d bytes", n, size)
	}
}

func TestClose(t *testing.T) {
	b := newBucket(t, Unversioned)
	b.do(put("k", "x"))
	if err := b.do(&Close{}); err != ErrNotEmpty || b.m.Closed() {
		t.Errorf("closing a bucket with an object: %v", err)
	}
	// Uploads under way do not keep a bucket.
	b.do(&Delete{Key: "k"}, &CreateUpload{Upload: Upload{Key: "u", Created: epoch}})
	batch := b.m.Begin(b.env)
	if !batch.Add(&Close{}) || batch.Add(put("k", "x")) {
		t.Error("something else is in the batch that closes")
	}
	if err := b.do(&Close{}); err != nil || !b.m.Closed() {
		t.Error(err)
	}
	if err := b.do(put("k", "x")); err != ErrClosed {
		t.Errorf("a put into a closed bucket: %v", err)
	}
}

// The newest entry is needed even if nothing of it is live: it has the counters.
func TestTheNewestEntryStays(t *testing.T) {
	b := newBucket(t, Unversioned)
	b.do(put("k", "x"))
	b.do(&Delete{Key: "k"})
	if b.m.FirstLive() != 2 {
		t.Errorf("first live entry %d of 2", b.m.FirstLive())
	}
	if m := b.replay(New([16]byte{1}), 2); !bytes.Equal(stateOf(t, m), stateOf(t, b.m)) {
		t.Error("a replay of the newest entry leads to another state")
	}
}
