package queue

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sampleRecord() record {
	return record{
		kind: kept, number: 1, id: [16]byte{2}, sent: 3, until: 4, content: "5", key: "6", flags: 7, first: 8, at: 9,
		enqueued: 10, receives: 11, carried: 12, place: 13, turn: 14, source: 15, burial: 16,
	}
}

func TestRecordRoundTrip(t *testing.T) {
	for _, want := range []record{sampleRecord(), {kind: purged}, {kind: received, number: 1 << 63, until: 1 << 62}} {
		d := reader{rest: string(want.append(nil, 1000))}
		got := readRecord(&d, 1000)
		if d.err != nil || d.rest != "" || got != want {
			t.Errorf("got %+v, %v, want %+v", got, d.err, want)
		}
	}
}

func TestContentRoundTrip(t *testing.T) {
	want := Message{
		Body: "body", GroupID: "group", DedupID: "dedup", SenderID: "sender", TraceHeader: "header", TraceParent: "parent",
		Attributes: []Attribute{{"a", "String", []byte("text")}, {"b", "Binary.png", []byte{0, 255}}},
	}
	got, from, err := Pack(&want, "arn").Unpack()
	if err != nil || from != "arn" || !cmp.Equal(got, want) {
		t.Errorf("got %+v from %q, %v", got, from, err)
	}
}

func TestDamagedEntryIsRefused(t *testing.T) {
	r := sampleRecord()
	good := r.append(beginEntry(nil, 5), 5)
	sealEntry(good)
	if err := New(Config{}, Options{}).Replay(1, good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x40
		if err := New(Config{}, Options{}).Replay(1, bad); !errors.Is(err, ErrEntry) {
			t.Errorf("byte %d is damaged: %v", i, err)
		}
	}
}

// FuzzReplay feeds entries whose checksum is right: what a stranger who may
// write to the stream can do must not bring the process down.
func FuzzReplay(f *testing.F) {
	r := sampleRecord()
	f.Add(r.append(beginEntry(nil, 5), 5), false)
	for k := sent; k <= opened; k++ {
		r.kind = k
		s := record{kind: sent, number: 1, sent: 5, content: Pack(&Message{GroupID: "g", DedupID: "d"}, "")}
		f.Add(r.append(s.append(beginEntry(nil, 5), 5), 5), k%2 == 0)
	}
	f.Fuzz(func(t *testing.T, entry []byte, fifo bool) {
		if len(entry) < entryHeader {
			return
		}
		entry[0] = entryVersion
		sealEntry(entry)
		m := New(Config{}, Options{FIFO: fifo})
		if m.Replay(1, entry) == nil {
			m.Counts()
			m.Burying(10)
		}
	})
}

func FuzzHandle(f *testing.F) {
	h, err := NewHandles([]byte("0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h.Make(1, 1))
	f.Add("AQEB")
	f.Fuzz(func(t *testing.T, s string) {
		if n, d, ok := h.Parse(s); ok && h.Make(n, d) != s {
			t.Errorf("%q reads as delivery %d of %d, which is %q", s, d, n, h.Make(n, d))
		}
	})
}

func TestHandlesOfOtherQueues(t *testing.T) {
	a, _ := NewHandles([]byte("0123456789abcdef"))
	b, _ := NewHandles([]byte("0123456789abcdeF"))
	if _, _, ok := b.Parse(a.Make(1, 1)); ok {
		t.Error("a handle of another queue reads")
	}
	if n, d, ok := a.Parse(a.Make(7, 3)); !ok || n != 7 || d != 3 {
		t.Errorf("got %d, %d, %v", n, d, ok)
	}
}
