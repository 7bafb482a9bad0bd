package rabbitmq

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/bridge"
)

const all = bridge.ContentType | bridge.ContentEncoding | bridge.Headers | bridge.DeliveryMode | bridge.Priority | bridge.CorrelationID |
	bridge.ReplyTo | bridge.Expiration | bridge.MessageID | bridge.Timestamp | bridge.Type | bridge.UserID | bridge.AppID | bridge.ClusterID

// The first is the example of the Lambda Developer Guide, "Using Lambda with Amazon MQ",
// with the body it shows.
func TestRecordsAreAWSs(t *testing.T) {
	body := []byte(`{"timeout":0,"data":"CZrmf0Gw8Ov4bqLQxD4E"}`)
	for rule, c := range map[string]struct {
		d    bridge.Delivery
		want string
	}{
		"the guide's example": {bridge.Delivery{Body: body, Properties: bridge.Properties{
			Present:     bridge.ContentType | bridge.Headers | bridge.DeliveryMode | bridge.Priority | bridge.Expiration | bridge.Timestamp | bridge.UserID,
			ContentType: "text/plain", Headers: amqp.Table{"header1": "value1", "header2": "value2", "numberInHeader": int32(10)},
			DeliveryMode: 1, Priority: 34, Expiration: "60000", Timestamp: time.Unix(33*60+41, 0), UserID: "AIDACKCEVSQ6C2EXAMPLE",
		}}, `{"basicProperties":{"contentType":"text/plain","contentEncoding":null,` +
			`"headers":{"header1":{"bytes":[118,97,108,117,101,49]},"header2":{"bytes":[118,97,108,117,101,50]},"numberInHeader":10},` +
			`"deliveryMode":1,"priority":34,"correlationId":null,"replyTo":null,"expiration":"60000","messageId":null,` +
			`"timestamp":"Jan 1, 1970, 12:33:41 AM","type":null,"userId":"AIDACKCEVSQ6C2EXAMPLE","appId":null,"clusterId":null,"bodySize":43},` +
			`"redelivered":false,"data":"eyJ0aW1lb3V0IjowLCJkYXRhIjoiQ1pybWYwR3c4T3Y0YnFMUXhENEUifQ=="}`},
		"nothing but a body": {bridge.Delivery{Body: []byte("a"), Redelivered: true},
			`{"basicProperties":{"contentType":null,"contentEncoding":null,"headers":null,"deliveryMode":null,"priority":null,"correlationId":null,` +
				`"replyTo":null,"expiration":null,"messageId":null,"timestamp":null,"type":null,"userId":null,"appId":null,"clusterId":null,"bodySize":1},` +
				`"redelivered":true,"data":"YQ=="}`},
		"all there, and zero": {bridge.Delivery{Properties: bridge.Properties{Present: all, Timestamp: time.Unix(0, 0)}},
			`{"basicProperties":{"contentType":"","contentEncoding":"","headers":{},"deliveryMode":0,"priority":0,"correlationId":"",` +
				`"replyTo":"","expiration":"","messageId":"","timestamp":"Jan 1, 1970, 12:00:00 AM","type":"","userId":"","appId":"","clusterId":"","bodySize":0},` +
				`"redelivered":false,"data":""}`},
	} {
		if got := string(encode(&c.d)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", rule, got, c.want)
		}
	}
}

func TestHeadersOfAllTypes(t *testing.T) {
	for rule, c := range map[string]struct {
		value any
		want  string
	}{
		"nothing":               {nil, `null`},
		"a truth":               {true, `true`},
		"an octet":              {byte(200), `200`},
		"a short short":         {int8(-100), `-100`},
		"a short unsigned":      {uint16(65535), `65535`},
		"a short":               {int16(-3), `-3`},
		"a long unsigned":       {uint32(math.MaxUint32), `4294967295`},
		"a long":                {int32(math.MinInt32), `-2147483648`},
		"a long long":           {int64(math.MaxInt64), `9223372036854775807`},
		"a float":               {float32(0.1), `0.1`},
		"a double":              {1.5e300, `1.5e+300`},
		"a whole double":        {-10.0, `-10.0`},
		"no number":             {math.NaN(), `null`},
		"infinity":              {float32(math.Inf(-1)), `null`},
		"a decimal":             {amqp.Decimal{Scale: 2, Value: -12345}, `-123.45`},
		"a small decimal":       {amqp.Decimal{Scale: 5, Value: 12}, `0.00012`},
		"a whole decimal":       {amqp.Decimal{Value: 7}, `7`},
		"the smallest decimal":  {amqp.Decimal{Scale: 1, Value: math.MinInt32}, `-214748364.8`},
		"a text":                {"ä", `{"bytes":[-61,-92]}`},
		"no text":               {"", `{"bytes":[]}`},
		"a text with any bytes": {"\x00\r\n\xff", `{"bytes":[0,13,10,-1]}`},
		"bytes":                 {[]byte{1, 127, 128, 255}, `[1,127,-128,-1]`},
		"a time":                {time.Date(2026, 12, 3, 13, 4, 5, 0, time.FixedZone("", 3600)), `"Dec 3, 2026, 12:04:05 PM"`},
		"a list":                {[]any{int32(1), "a", []any{}}, `[1,{"bytes":[97]},[]]`},
		"a table":               {amqp.Table{"b": amqp.Table{"c": nil}, "a\"<": true}, `{"a\"<":true,"b":{"c":null}}`},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := string(appendValue(nil, c.value, 0)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Tables within tables end before a decoder would refuse the event.
func TestDepthIsBounded(t *testing.T) {
	var deep any = "x"
	for i := range 20_000 {
		if i%2 == 0 {
			deep = []any{deep}
		} else {
			deep = amqp.Table{"t": deep}
		}
	}
	d := bridge.Delivery{Properties: bridge.Properties{Present: bridge.Headers, Headers: amqp.Table{"h": deep}}}
	if got := encode(&d); !json.Valid(got) || !strings.Contains(string(got), `{"t":null}`) {
		t.Errorf("%s", got)
	}
}

// Whatever bytes properties have, the event can be decoded, and text that is UTF-8 is what
// it was.
func FuzzRecord(f *testing.F) {
	f.Add("text", "header", []byte("body"), int64(1), 0.5, uint16(all))
	f.Add("\x00\"\\\x1f\u2028\xff", "", []byte{255}, int64(math.MinInt64), math.Inf(1), uint16(all))
	f.Fuzz(func(t *testing.T, text, key string, body []byte, n int64, float float64, present uint16) {
		d := bridge.Delivery{Body: body, Properties: bridge.Properties{
			Present: bridge.Present(present), ContentType: text, ContentEncoding: key, CorrelationID: text, ReplyTo: text, Expiration: text,
			MessageID: text, Type: text, UserID: text, AppID: text, ClusterID: text, Timestamp: time.Unix(n, 0), DeliveryMode: 2, Priority: byte(n),
			Headers: amqp.Table{
				key: text, "list": []any{n, float, text, amqp.Table{text: key}}, "bytes": body,
				"decimal": amqp.Decimal{Scale: byte(n), Value: int32(n)}, "time": time.Unix(n, 0),
			},
		}}
		event := head("arn", key, text) + string(encode(&d)) + tail
		if !json.Valid([]byte(event)) {
			t.Fatalf("no JSON: %s", event)
		}
		var e events.RabbitMQEvent
		if err := json.Unmarshal([]byte(event), &e); err != nil {
			t.Fatalf("%v in %s", err, event)
		}
		valid := strings.ToValidUTF8
		for name, messages := range e.MessagesByQueue {
			if want := quoted(key + "::" + text); name != want {
				t.Errorf("queue %q, want %q", name, want)
			}
			if got, _ := base64.StdEncoding.DecodeString(messages[0].Data); string(got) != string(body) {
				t.Errorf("body %q became %q", body, got)
			}
			if d.Properties.Present.Has(bridge.ContentType) && valid(messages[0].BasicProperties.ContentType, "") != valid(quoted(text), "") {
				t.Errorf("%q became %q", text, messages[0].BasicProperties.ContentType)
			}
		}
	})
}

// quoted is what encoding/json makes of a text, and reads back.
func quoted(s string) (back string) {
	text, _ := json.Marshal(s)
	json.Unmarshal(text, &back)
	return back
}

func BenchmarkEncode(b *testing.B) {
	d := bridge.Delivery{Body: []byte(strings.Repeat("x", 200)), Properties: bridge.Properties{
		Present:     bridge.ContentType | bridge.Headers | bridge.DeliveryMode | bridge.MessageID | bridge.Timestamp,
		ContentType: "application/json", Headers: amqp.Table{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "n": int32(10)},
		DeliveryMode: 2, MessageID: "0af76519-16cd-43dd-8448-eb211c80319c", Timestamp: time.Unix(1_800_000_000, 0),
	}}
	b.ReportAllocs()
	for b.Loop() {
		encode(&d)
	}
}
