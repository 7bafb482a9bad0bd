package queue

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sampleRecord() record {
	return record{
		kind: kindCopiedMessage, number: 1, id: [16]byte{2}, sentAt: 3, until: 4, length: 5, key: "6", flags: 7, firstReceivedAt: 8, at: 9,
		enqueuedAt: 10, receives: 11, priorReceives: 12, position: 13, round: 14, sourceGeneration: 15, transferSeq: 16, group: fingerprint{17}, dedup: fingerprint{18}, arrivedAt: 19, wallSentAt: 20,
	}
}

func TestRecordRoundTrip(t *testing.T) {
	for _, want := range []record{sampleRecord(), {kind: kindPurged}, {kind: kindReceived, number: 1 << 63, until: 1 << 62}} {
		d := recordReader{reader: reader{remaining: string(want.append(nil, 1000))}}
		got := readRecord(&d, 1000)
		if d.err != nil || d.remaining != "" || got != want {
			t.Errorf("got %+v, %v, want %+v", got, d.err, want)
		}
	}
}

func TestContentRoundTrip(t *testing.T) {
	want := Message{
		Body: "body", MD5: [16]byte{1, 2}, GroupID: "group", DedupID: "dedup", SenderID: "sender", TraceHeader: "header", TraceParent: "parent",
		Attributes: []Attribute{{"a", "String", []byte("text")}, {"b", "Binary.png", []byte{0, 255}}},
	}
	got, from, err := Pack(&want, "arn").Unpack()
	if err != nil || from != "arn" || !cmp.Equal(got, want) {
		t.Errorf("got %+v from %q, %v", got, from, err)
	}
}

// A body that is unfinished has no MD5, and says so for ever.
func TestUnfinishedContentRoundTrip(t *testing.T) {
	for _, sum := range [][16]byte{{}, {1, 2}} {
		got, from, err := Pack(&Message{Body: "body", MD5: sum, Unfinished: true}, "arn").Unpack()
		if err != nil || from != "arn" || !cmp.Equal(got, Message{Body: "body", Unfinished: true}) {
			t.Errorf("got %+v from %q, %v", got, from, err)
		}
	}
}

// Contents that data folders hold are read as they were meant.
func TestStoredContents(t *testing.T) {
	for stored, want := range map[Content]Message{
		"\x01g\x01d\x04body\x00\x00\x00\x00\x00":                 {GroupID: "g", DedupID: "d", Body: "body"},
		"\x00\x00\x04body\x100123456789abcdef\x02me\x00\x00\x00": {Body: "body", MD5: [16]byte([]byte("0123456789abcdef")), SenderID: "me"},
		"\x00\x00\x04body\x01u\x00\x00\x00\x00":                  {Body: "body", Unfinished: true},
	} {
		got, _, err := stored.Unpack()
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q is read as %+v, %v", stored, got, err)
		}
	}
}

// entryOf encodes an entry of any records.
func entryOf(contents string, k ContentKey, all ...record) []byte {
	var b []byte
	for _, r := range all {
		b = r.append(b, 5)
	}
	return writeEntry(nil, 5, b, []byte(contents), k, rand.NewPCG(1, 2))
}

// replay applies an entry as an owner without keys does.
func replay(m *Machine, seq uint64, entry []byte) error {
	e, err := ReadEntry(entry)
	if err != nil {
		return err
	}
	var contents Plaintext
	if e.KeyName == "" {
		if contents, err = e.Decrypt(nil); err != nil {
			return err
		}
	}
	return m.Replay(seq, e, contents)
}

func draftOf(m Message) Draft { return NewDraft(&m) }

func TestDamagedEntryIsRefused(t *testing.T) {
	good := entryOf("12345", ContentKey{}, sampleRecord())
	if err := replay(New(Config{}, Options{}), 1, good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x40
		want := ErrDamagedEntry
		if i == 0 { // the version, which JetStream's own checksum covers
			want = ErrUnknownVersion
		}
		if err := replay(New(Config{}, Options{}), 1, bad); !errors.Is(err, want) {
			t.Errorf("byte %d is damaged: %v, want %v", i, err, want)
		}
	}
}

func testKey(t testing.TB, secret string) ContentKey {
	block, err := aes.NewCipher([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return ContentKey{"wrapped", aead}
}

// Encrypted contents decrypt only with their own key, and beside their own records.
func TestEncryptedContents(t *testing.T) {
	k := testKey(t, "0123456789abcdef0123456789abcdef")
	r := record{kind: kindSent, number: 7, sentAt: 5, length: 6}
	sealed := entryOf("secret", k, r)
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("the entry has its contents in clear")
	}
	e, err := ReadEntry(sealed)
	if err != nil || e.KeyName != "wrapped" {
		t.Fatal(e.KeyName, err)
	}
	o, err := e.Decrypt(k)
	if err != nil {
		t.Fatal(err)
	}
	if got := maps.Collect(e.Contents(o)); !cmp.Equal(got, map[uint64]Content{7: "secret"}) {
		t.Errorf("contents %v", got)
	}
	if _, err := e.Decrypt(testKey(t, "0123456789abcdef0123456789abcdeX")); !errors.Is(err, ErrDamagedEntry) {
		t.Errorf("under another key: %v", err)
	}
	r.number = 8
	other, err := ReadEntry(entryOf("secret", k, r))
	if err != nil {
		t.Fatal(err)
	}
	other.contents = e.contents
	if _, err := other.Decrypt(k); !errors.Is(err, ErrDamagedEntry) {
		t.Errorf("beside other records: %v", err)
	}
	m := New(Config{Visibility: time.Minute}, Options{})
	if err := m.Replay(1, e, Plaintext{}); err != nil || m.Counts().Visible != 1 {
		t.Errorf("without a key: %+v, %v", m.Counts(), err)
	}
}

// FuzzReplay replays any records in a well-formed entry: whoever may write to the
// stream must not be able to crash the process.
func FuzzReplay(f *testing.F) {
	r := sampleRecord()
	f.Add(r.append(nil, 5), "12345", false)
	for k := kindSent; k <= kindWallClock; k++ {
		r.kind = k
		content := Pack(&Message{GroupID: "g", DedupID: "d"}, "")
		s := record{kind: kindSent, number: 1, sentAt: 5, length: len(content), group: fingerprintOf("g"), dedup: fingerprintOf("d"), flags: flagDedup}
		f.Add(r.append(s.append(nil, 5), 5), string(content)+"12345", k%2 == 0)
		s.flags, s.sourceGeneration, s.transferSeq = s.flags|flagNumbered, 6, 7
		f.Add(r.append(s.append(nil, 5), 5), string(content)+"12345", k%2 == 0)
	}
	f.Fuzz(func(t *testing.T, records []byte, contents string, fifo bool) {
		m := New(Config{Visibility: time.Minute}, Options{FIFO: fifo, Random: rand.NewPCG(1, 2)})
		if replay(m, 1, writeEntry(nil, 5, records, []byte(contents), ContentKey{}, nil)) == nil {
			m.Counts()
			m.PendingTransfers(10)
			m.Begin(time.Unix(0, 10), time.Unix(0, 10))
			m.Receive(&Waiter{}, ReceiveRequest{Max: 10})
			m.Send(draftOf(Message{Body: "b", GroupID: "g", DedupID: "d", Source: 6, Seq: 7}))
			m.Compact(1, nil)
			m.Purge()
			m.Commit(ContentKey{})
		}
	})
}

func FuzzHandle(f *testing.F) {
	h, err := NewHandleCodec([]byte("0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h.Encode(1, 1))
	f.Add("AQEB")
	f.Fuzz(func(t *testing.T, s string) {
		if n, d, ok := h.Decode(s); ok && h.Encode(n, d) != s {
			t.Errorf("%q reads as delivery %d of %d, which is %q", s, d, n, h.Encode(n, d))
		}
	})
}

func TestHandlesOfOtherQueues(t *testing.T) {
	a, _ := NewHandleCodec([]byte("0123456789abcdef"))
	b, _ := NewHandleCodec([]byte("0123456789abcdeF"))
	if _, _, ok := b.Decode(a.Encode(1, 1)); ok {
		t.Error("a handle of another queue reads")
	}
	if n, d, ok := a.Decode(a.Encode(7, 3)); !ok || n != 7 || d != 3 {
		t.Errorf("got %d, %d, %v", n, d, ok)
	}
}
