package bridge

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"
)

// encodeProperties writes what decodeProperties reads.
func encodeProperties(p Properties) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(p.Present))
	text := func(of Present, s string) {
		if p.Present.Has(of) {
			b = append(append(b, byte(len(s))), s...)
		}
	}
	text(ContentType, p.ContentType)
	text(ContentEncoding, p.ContentEncoding)
	if p.Present.Has(Headers) {
		b = appendSized(b, appendTable(nil, p.Headers))
	}
	if p.Present.Has(DeliveryMode) {
		b = append(b, p.DeliveryMode)
	}
	if p.Present.Has(Priority) {
		b = append(b, p.Priority)
	}
	text(CorrelationID, p.CorrelationID)
	text(ReplyTo, p.ReplyTo)
	text(Expiration, p.Expiration)
	text(MessageID, p.MessageID)
	if p.Present.Has(Timestamp) {
		b = binary.BigEndian.AppendUint64(b, uint64(p.Timestamp.Unix()))
	}
	text(Type, p.Type)
	text(UserID, p.UserID)
	text(AppID, p.AppID)
	text(ClusterID, p.ClusterID)
	return b
}

func appendSized(b, content []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(content))), content...)
}

func appendTable(b []byte, t amqp.Table) []byte {
	for name, v := range t {
		b = appendField(append(append(b, byte(len(name))), name...), v)
	}
	return b
}

func appendField(b []byte, v any) []byte {
	big := binary.BigEndian
	switch v := v.(type) {
	case bool:
		if v {
			return append(b, 't', 1)
		}
		return append(b, 't', 0)
	case byte:
		return append(b, 'B', v)
	case int8:
		return append(b, 'b', byte(v))
	case uint16:
		return big.AppendUint16(append(b, 'u'), v)
	case int16:
		return big.AppendUint16(append(b, 's'), uint16(v))
	case uint32:
		return big.AppendUint32(append(b, 'i'), v)
	case int32:
		return big.AppendUint32(append(b, 'I'), uint32(v))
	case int64:
		return big.AppendUint64(append(b, 'l'), uint64(v))
	case float32:
		return big.AppendUint32(append(b, 'f'), math.Float32bits(v))
	case float64:
		return big.AppendUint64(append(b, 'd'), math.Float64bits(v))
	case amqp.Decimal:
		return big.AppendUint32(append(b, 'D', v.Scale), uint32(v.Value))
	case string:
		return appendSized(append(b, 'S'), []byte(v))
	case []byte:
		return appendSized(append(b, 'x'), v)
	case time.Time:
		return big.AppendUint64(append(b, 'T'), uint64(v.Unix()))
	case []any:
		var in []byte
		for _, one := range v {
			in = appendField(in, one)
		}
		return appendSized(append(b, 'A'), in)
	case amqp.Table:
		return appendSized(append(b, 'F'), appendTable(nil, v))
	default:
		return append(b, 'V')
	}
}

// allTypes has a value of each type that a header can have.
var allTypes = amqp.Table{
	"nil": nil, "true": true, "false": false, "byte": byte(200), "int8": int8(-100), "uint16": uint16(60000), "int16": int16(-30000),
	"uint32": uint32(4e9), "int32": int32(-2e9), "int64": int64(math.MinInt64), "float32": float32(1.5), "float64": -math.MaxFloat64,
	"decimal": amqp.Decimal{Scale: 2, Value: -12345}, "string": "no\x00t UTF-8 \xff\r\nat all", "empty": "", "bytes": []byte{0, 1, '\r', '\n', 0xff},
	"time": time.Unix(1234567890, 0).UTC(), "array": []any{int32(1), []any{}, "x", amqp.Table{"in": nil}},
	"table": amqp.Table{"deep": amqp.Table{"deeper": []any{amqp.Table{}}}}, "": "a header without a name", "\r\n\x00": "a name of control characters",
	strings.Repeat("n", 255): strings.Repeat("v", 10_000),
}

var allProperties = Properties{
	Present:     0xfffc,
	ContentType: "text/plain", ContentEncoding: "gzip", Headers: allTypes, DeliveryMode: 2, Priority: 9, CorrelationID: "c\x00", ReplyTo: "r", Expiration: "60000",
	MessageID: strings.Repeat("m", 255), Timestamp: time.Unix(1, 0).UTC(), Type: "t", UserID: "u", AppID: "\xff\xfe", ClusterID: "",
}

func TestPropertiesAreReadAsTheyAre(t *testing.T) {
	only := map[Present]Properties{}
	for p := ContentType; p >= ClusterID; p >>= 1 {
		only[p] = Properties{Present: p}
	}
	all := []Properties{{}, allProperties}
	for p, one := range only {
		switch p {
		case Headers:
			one.Headers = amqp.Table{}
		case Timestamp:
			one.Timestamp = time.Unix(0, 0).UTC()
		}
		all = append(all, one)
	}
	for _, want := range all {
		got, err := decodeProperties(encodeProperties(want))
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%016b: %v: %s", want.Present, err, d)
		}
	}
}

func TestWhatIsNoPropertiesIsRefused(t *testing.T) {
	whole := encodeProperties(allProperties)
	deep := amqp.Table{}
	for range maxDepth + 1 {
		deep = amqp.Table{"": deep}
	}
	for _, b := range [][]byte{nil, {0x80}, {0x80, 0}, {0x20, 0, 0, 0, 0, 3, 0, 'V'}, {0x20, 0, 0, 0, 0, 2, 0, '?'}, {0, 1}, whole[:len(whole)-1],
		{0x20, 0, 0xff, 0xff, 0xff, 0xff, 0}, encodeProperties(Properties{Present: Headers, Headers: deep})} {
		if p, err := decodeProperties(b); !errors.Is(err, errProperties) {
			t.Errorf("% x: %+v, %v", b, p, err)
		}
	}
}

func FuzzProperties(f *testing.F) {
	f.Add(encodeProperties(allProperties))
	f.Add([]byte{0x20, 0, 0, 0, 0, 7, 1, 'a', 'A', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		p, err := decodeProperties(b)
		if !bytes.Equal(before, b) {
			t.Fatal("what was read has changed")
		}
		if err != nil {
			return
		}
		again, err := decodeProperties(encodeProperties(p))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, again, cmp.Comparer(sameBits[float64]), cmp.Comparer(sameBits[float32])); d != "" {
			t.Error(d)
		}
	})
}

// sameBits compares numbers that may be none.
func sameBits[F float32 | float64](a, b F) bool { return a == b || a != a && b != b }
