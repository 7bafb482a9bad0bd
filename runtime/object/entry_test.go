package object

import (
	"bytes"
	"errors"
	"testing"

	"millrace/runtime/object/checksum"
	"millrace/runtime/object/notify"
)

// entriesOfAllKinds are entries with every kind of record, but for that of Close.
func entriesOfAllKinds(t *testing.T) *bucket {
	b := newBucket(t, VersioningEnabled)
	b.env.Matcher = notify.Compile(notify.Configuration{Destinations: []notify.Destination{{Kind: notify.Queue, ID: "1", ARN: "arn", Events: []string{"s3:ObjectCreated:*"}}}})
	c := put("k", "one")
	c.Object.Headers = &Headers{ContentType: "text/plain", StorageClass: "GLACIER", User: map[string]string{"a": "b", "c": "d"}}
	c.Object.Encryption = Encryption{Algorithm: "aws:kms", KMSKey: "arn", BucketKey: true, Context: "e30="}
	c.Object.Tags = []Tag{{"x", "y"}}
	blob := put("b", "two")
	blob.Inline, blob.Object.Content.Blob = nil, "blob"
	created := &CreateUpload{Upload: Upload{Key: "u", Created: epoch, Initiator: "me", Algorithm: checksum.CRC32, Type: checksum.FullObject}}
	aborted := &CreateUpload{Upload: Upload{Key: "u", Created: epoch}}
	b.do(c, blob, created, aborted)
	part := &PutPart{Key: "u", Upload: created.Created.ID, Part: Part{Number: 3, Size: 5, ETag: etagOf("x"), Checksum: checksum.Of(checksum.CRC32, []byte("1234")), Modified: epoch}, Inline: []byte("x")}
	b.do(part, &Abort{Key: "u", Upload: aborted.Created.ID}, &Delete{Key: "k", Version: Version{Number: c.Stored.Number}})
	b.do(&Complete{Key: "u", Upload: created.Created.ID, Modified: epoch, Size: -1, Parts: []CompletedPart{{Number: 3, ETag: etagOf("x").String()}}})
	b.do(&HandedOver{UpTo: 1}, &Move{Seq: 1, Entry: b.log[0]})
	return b
}

func TestAllOfAnObjectComesBack(t *testing.T) {
	b := newBucket(t, VersioningEnabled)
	c := put("k", "one")
	c.Object.Modified = milliseconds(epoch)
	c.Object.Headers = &Headers{"1", "2", "3", "4", "5", "6", "7", "8", map[string]string{"a": "b"}}
	c.Object.Tags = []Tag{{"a", "b"}, {"c", ""}}
	c.Object.Encryption = Encryption{"aws:kms", "arn", true, "md5", "context"}
	c.Object.Checksum = checksum.Of(checksum.SHA1, make([]byte, 20))
	b.do(c)
	want := c.Object
	want.Number, want.Latest, want.Content = c.Stored.Number, true, c.Stored.Content
	mustEqual(t, c.Stored, want)

	u := Upload{Key: "k", Created: epoch, Initiator: "me", Algorithm: checksum.CRC32, Type: checksum.Composite, Headers: want.Headers, Tags: want.Tags, Encryption: want.Encryption}
	created := &CreateUpload{Upload: u}
	b.do(created)
	u.Number, u.ID = created.Created.Number, created.Created.ID
	got, ok := b.m.Upload("k", u.ID)
	mustEqual(t, got, u)
	if _, other := b.m.Upload("other", u.ID); !ok || other {
		t.Error("an upload is found by its key and its id")
	}
}

func TestDamagedEntriesAreNotApplied(t *testing.T) {
	b := entriesOfAllKinds(t)
	want := stateOf(t, b.m)
	for _, entry := range b.log {
		for i := range entry {
			damaged := bytes.Clone(entry)
			damaged[i] ^= 0x10
			if _, err := b.m.Apply(99, damaged); err == nil {
				if i < len(entry)-len("onex") { // contents authenticate themselves
					t.Fatalf("a flipped bit in byte %d of %d is not noticed", i, len(entry))
				}
				return
			} else if !errors.Is(err, ErrDamagedEntry) && !errors.Is(err, ErrUnknownVersion) {
				t.Fatal(err)
			}
			if _, err := b.m.Apply(99, entry[:i]); err == nil {
				t.Fatalf("an entry of %d bytes that ends after %d is applied", len(entry), i)
			}
		}
	}
	if !bytes.Equal(stateOf(t, b.m), want) {
		t.Error("damaged entries have changed the state")
	}
}

// FuzzApply applies records that no batch has written: nothing may panic, neither then nor
// in lookups.
func FuzzApply(f *testing.F) {
	var t testing.T
	closed := newBucket(&t, Unversioned)
	closed.do(&Close{})
	for _, entry := range append(entriesOfAllKinds(&t).log, closed.log[0]) {
		e, err := ReadEntry(entry)
		if err != nil {
			f.Fatal(err)
		}
		var records, contents []byte
		for i := range e.records {
			r := &e.records[i]
			records = r.append(records)
			contents = append(contents, entry[r.content.Offset:r.content.Offset+r.content.Length]...)
		}
		f.Add(records, contents)
	}
	f.Fuzz(func(t *testing.T, records, contents []byte) {
		b := newBucket(t, Unversioned)
		b.do(put("k", "one"), put("a", "one"))
		entry := appendEntry(nil, &Entry{Time: epoch}, records, [][]byte{contents})
		if _, err := b.m.Apply(2, entry); err != nil {
			if !errors.Is(err, ErrDamagedEntry) && !errors.Is(err, ErrUnknownVersion) {
				t.Error(err)
			}
			return
		}
		lookAtEverything(t, b.m)
		for _, c := range []Command{&Delete{Key: "k"}, &PutTags{Key: "a", Tags: []Tag{{"a", "b"}}}, put("u", "x"), &Move{Seq: 2, Entry: entry}} {
			batch := b.m.Begin(b.env)
			batch.Add(c)
			if e := batch.Entry(); e != nil {
				if _, err := b.m.Apply(b.m.LastEntry()+1, e); err != nil {
					t.Errorf("%T: %v", c, err)
				}
			}
			batch.Applied()
		}
		lookAtEverything(t, b.m)
	})
}

func lookAtEverything(t *testing.T, m *Machine) {
	for _, o := range m.ListVersions(VersionsQuery{Delimiter: "/", Max: 1000}).Versions {
		m.Get(o.Key, Version{Number: o.Number})
		m.Get(o.Key, Version{Null: true})
	}
	m.List(ListQuery{Delimiter: "k", Max: 1000})
	for _, u := range m.ListUploads(UploadsQuery{Max: 1000}).Uploads {
		m.ListParts(u.Key, u.ID, 0, 1000)
	}
	m.Pending(0, 1000)
	m.Blobs(func(string) bool { return true })
	m.Movable(1 << 20)
	stateOf(t, m)
}
