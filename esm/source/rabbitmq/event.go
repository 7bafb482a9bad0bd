package rabbitmq

import (
	"bytes"
	"encoding/base64"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/runtime/bridge"
)

// head and tail are what is around the records of an event, which are all of one queue
// (Lambda Developer Guide, "Using Lambda with Amazon MQ", example events).
func head(arn, queue, virtualHost string) string {
	b := append([]byte(nil), `{"eventSource":"aws:rmq","eventSourceArn":`...)
	b = append(appendString(b, arn), `,"rmqMessagesByQueue":{`...)
	b = appendString(b, queue+"::"+virtualHost)
	return string(append(b, `:[`...))
}

const tail = `]}}`

// encode renders a delivery as a record of an event. It is written by hand since each
// message goes through it: encoding/json takes four times as long.
func encode(d *bridge.Delivery) []byte {
	p := &d.Properties
	b := make([]byte, 0, 512+base64.StdEncoding.EncodedLen(len(d.Body)))
	b = append(b, `{"basicProperties":{"contentType":`...)
	b = appendText(b, p, bridge.ContentType, p.ContentType)
	b = append(b, `,"contentEncoding":`...)
	b = appendText(b, p, bridge.ContentEncoding, p.ContentEncoding)
	b = append(b, `,"headers":`...)
	if p.Present.Has(bridge.Headers) {
		b = appendTable(b, p.Headers, 0)
	} else {
		b = append(b, null...)
	}
	b = append(b, `,"deliveryMode":`...)
	b = appendNumber(b, p, bridge.DeliveryMode, p.DeliveryMode)
	b = append(b, `,"priority":`...)
	b = appendNumber(b, p, bridge.Priority, p.Priority)
	b = append(b, `,"correlationId":`...)
	b = appendText(b, p, bridge.CorrelationID, p.CorrelationID)
	b = append(b, `,"replyTo":`...)
	b = appendText(b, p, bridge.ReplyTo, p.ReplyTo)
	b = append(b, `,"expiration":`...)
	b = appendText(b, p, bridge.Expiration, p.Expiration)
	b = append(b, `,"messageId":`...)
	b = appendText(b, p, bridge.MessageID, p.MessageID)
	b = append(b, `,"timestamp":`...)
	if p.Present.Has(bridge.Timestamp) {
		b = appendTime(b, p.Timestamp)
	} else {
		b = append(b, null...)
	}
	b = append(b, `,"type":`...)
	b = appendText(b, p, bridge.Type, p.Type)
	b = append(b, `,"userId":`...)
	b = appendText(b, p, bridge.UserID, p.UserID)
	b = append(b, `,"appId":`...)
	b = appendText(b, p, bridge.AppID, p.AppID)
	b = append(b, `,"clusterId":`...)
	b = appendText(b, p, bridge.ClusterID, p.ClusterID)
	b = append(b, `,"bodySize":`...)
	b = strconv.AppendInt(b, int64(len(d.Body)), 10)
	b = append(b, `},"redelivered":`...)
	b = strconv.AppendBool(b, d.Redelivered)
	b = append(b, `,"data":"`...)
	b = base64.StdEncoding.AppendEncode(b, d.Body)
	return append(b, `"}`...)
}

const null = "null"

func appendText(b []byte, p *bridge.Properties, of bridge.Present, s string) []byte {
	if !p.Present.Has(of) {
		return append(b, null...)
	}
	return appendString(b, s)
}

func appendNumber(b []byte, p *bridge.Properties, of bridge.Present, n uint8) []byte {
	if !p.Present.Has(of) {
		return append(b, null...)
	}
	return strconv.AppendUint(b, uint64(n), 10)
}

// maxDepth bounds tables and lists within each other: deeper ones are shown as null.
// Decoders of functions have bounds too, and would refuse the whole event.
const maxDepth = 100

// appendTable renders a table, its keys in order.
func appendTable(b []byte, t amqp.Table, depth int) []byte {
	if depth == maxDepth {
		return append(b, null...)
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(t)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, key), ':')
		b = appendValue(b, t[key], depth+1)
	}
	return append(b, '}')
}

func appendList(b []byte, list []any, depth int) []byte {
	if depth == maxDepth {
		return append(b, null...)
	}
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v, depth+1)
	}
	return append(b, ']')
}

// appendValue renders a value of a header. AWS shows a text as the bytes it is made of,
// as its client in Java keeps it: LongString has a field named bytes.
func appendValue(b []byte, value any, depth int) []byte {
	switch v := value.(type) {
	case string:
		return append(appendBytes(append(b, `{"bytes":`...), v), '}')
	case []byte:
		return appendBytes(b, string(v))
	case bool:
		return strconv.AppendBool(b, v)
	case byte:
		return strconv.AppendUint(b, uint64(v), 10)
	case int8:
		return strconv.AppendInt(b, int64(v), 10)
	case uint16:
		return strconv.AppendUint(b, uint64(v), 10)
	case int16:
		return strconv.AppendInt(b, int64(v), 10)
	case uint32:
		return strconv.AppendUint(b, uint64(v), 10)
	case int32:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float32:
		return appendFloat(b, float64(v), 32)
	case float64:
		return appendFloat(b, v, 64)
	case amqp.Decimal:
		return appendDecimal(b, v)
	case time.Time:
		return appendTime(b, v)
	case amqp.Table:
		return appendTable(b, v, depth)
	case []any:
		return appendList(b, v, depth)
	}
	return append(b, null...) // AMQP's "no value"; there are no other types
}

// appendBytes renders bytes as Java's, which have a sign: 0xc3 is -61. AWS's events come
// from Gson, which writes the fields of an object and a byte[] as numbers; no other common
// encoder of Java gives {"bytes":[118]} for a LongString and "Jan 1, 1970, 12:33:41 AM"
// for a Date, and Gson knows no unsigned bytes.
func appendBytes(b []byte, s string) []byte {
	b = append(b, '[')
	for i := range len(s) {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(int8(s[i])), 10)
	}
	return append(b, ']')
}

// appendFloat renders what is no number as null: JSON has nothing for it. A whole number
// has a fraction of zero, as in Java, by which decoders such as Python's see a float.
func appendFloat(b []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, null...)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, bits)
	if !bytes.ContainsAny(b[start:], ".e") {
		b = append(b, ".0"...)
	}
	return b
}

// appendDecimal renders a decimal with all its digits.
func appendDecimal(b []byte, d amqp.Decimal) []byte {
	digits := strconv.FormatInt(int64(d.Value), 10)
	if d.Value < 0 {
		b, digits = append(b, '-'), digits[1:]
	}
	scale := int(d.Scale)
	if scale == 0 {
		return append(b, digits...)
	}
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - scale
	b = append(append(b, digits[:point]...), '.')
	return append(b, digits[point:]...)
}

// appendTime renders a time as AWS's code in Java does, in UTC:
// "Jan 1, 1970, 12:33:41 AM".
func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, "Jan 2, 2006, 3:04:05 PM")
	return append(b, '"')
}
