package bridge

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
)

// sent is a message as the other side gets it.
func sent(t *testing.T, m *nats.Msg) *nats.Msg {
	t.Helper()
	var raw strings.Builder
	raw.WriteString("NATS/1.0\r\n")
	http.Header(m.Header).Write(&raw)
	h, err := nats.DecodeHeadersMsg([]byte(raw.String() + "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &nats.Msg{Subject: m.Subject, Header: h, Data: m.Data}
}

func TestEntries(t *testing.T) {
	for _, e := range []entry{
		{handle: Handle{"abc", 1}, properties: []byte{}},
		{handle: Handle{"abc", 1 << 63}, redelivered: true, exchange: "amq.topic", routingKey: "a.b", properties: encodeProperties(allProperties), body: []byte("\x00\r\n\r\n\xff")},
		{handle: Handle{"abc", 2}, exchange: " % \r\nMq-Tag: 3\r\n\r\n", routingKey: strings.Repeat("\xff", 255), properties: []byte{0, 0}, body: []byte{}},
	} {
		got, err := entryOf(sent(t, e.message("mq.a.b.c", 1<<20)))
		if d := cmp.Diff(e, got, cmp.AllowUnexported(entry{})); err != nil || d != "" {
			t.Errorf("%v: %s", err, d)
		}
	}
}

func TestWhatNATSDoesNotTakeIsKept(t *testing.T) {
	const limit = 200_000
	for _, e := range []entry{
		{handle: Handle{"abc", 1}, properties: []byte{0, 0}, body: make([]byte, limit)},
		{handle: Handle{"abc", 1}, properties: make([]byte, 60_000), body: []byte{1}},
		{handle: Handle{"abc", 1}, properties: make([]byte, 10_000), body: make([]byte, limit-10_000)},
	} {
		m := e.message("mq.a.b.c", limit)
		got, err := entryOf(sent(t, m))
		if err != nil || !got.kept || !e.kept || len(m.Data) > 0 || m.Size() > limit || got.handle != e.handle {
			t.Errorf("%+v, %v of %d bytes", got, err, m.Size())
		}
	}
}

func FuzzEntry(f *testing.F) {
	f.Add("c.7", "amq.topic", "AAA=", []byte("body"))
	f.Add(".-1", "%zz", "!", []byte(nil))
	f.Fuzz(func(t *testing.T, delivery, exchange, properties string, body []byte) {
		m := &nats.Msg{Subject: "s", Data: body, Header: nats.Header{DeliveryHeader: {delivery}, ExchangeHeader: {exchange}, PropertiesHeader: {properties}}}
		e, err := entryOf(m)
		if err != nil {
			return
		}
		again, err := entryOf(e.message("s", 1<<30))
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}

func TestSequences(t *testing.T) {
	for reply, want := range map[string]uint64{
		"$JS.ACK.mq-00.C.1.77.3.1700000000000000000.0":                 77,
		"$JS.ACK.hub.ACC0.mq-00.C.1.78.3.1700000000000000000.0.random": 78,
		"$JS.ACK.mq-00.C.1.x.3.1700000000000000000.0":                  0,
		"$JS.ACK":     0,
		"_INBOX.a.1":  0,
		"":            0,
		"$JS.ACK.a.b": 0,
	} {
		if got, ok := sequenceOf(&nats.Msg{Reply: reply}); got != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v", reply, got, ok)
		}
	}
}
