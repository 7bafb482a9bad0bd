package streams

import (
	"bytes"
	"testing"
)

// JetStream's acknowledgements are understood, and nothing else passes for one.
func FuzzAck(f *testing.F) {
	prefix := []byte(`{"stream":"S","seq":`)
	for _, a := range []struct {
		status, data string
		want         Ack
	}{
		{"", `{"stream":"S","seq":12}`, Ack{Seq: 12}},
		{"", `{"stream":"S","seq":12,"duplicate": true}`, Ack{Seq: 12, Duplicate: true}},
		{"", `{"stream":"S", "domain":"d", "seq":12,"duplicate":true}`, Ack{Seq: 12, Duplicate: true}},
	} {
		if got := ParseAck(prefix, a.status, []byte(a.data)); got != a.want {
			f.Errorf("%s: %+v", a.data, got)
		}
		f.Add(a.status, []byte(a.data))
	}
	f.Add("503", []byte(nil))
	f.Add("", []byte(`{"error":{"code":409,"err_code":10158,"description":"x"},"stream":"S","seq":0}`))
	f.Add("429", []byte(`{"error":{"code":429,"err_code":10167}}`))
	f.Add("", []byte(`{"stream":"S","seq":}`))
	f.Fuzz(func(t *testing.T, status string, data []byte) {
		a := ParseAck(prefix, status, data)
		if a.Err == nil && (a.Seq == 0 && !bytes.Contains(data, []byte("seq")) || status != "") {
			t.Errorf("%q %q passed as %+v", status, data, a)
		}
	})
}

func TestAckPrefix(t *testing.T) {
	if a := ParseAck(AckPrefix("S"), "", []byte(`{"stream":"S","seq":12}`)); a != (Ack{Seq: 12}) {
		t.Errorf("%+v", a)
	}
}
