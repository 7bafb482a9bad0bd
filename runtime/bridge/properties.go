package bridge

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// errProperties is that of bytes that are no properties.
var errProperties = errors.New("these are no properties of a message of AMQP 0-9-1")

const (
	maxDepth = 32 // of tables and arrays in each other, as package amqp091 takes them
	moreBit  = 1  // of the property flags: more flags follow, which basic never has
)

// decodeProperties reads the property flags and the property list of a content header
// (AMQP 0-9-1, "Content Framing"; types of fields as RabbitMQ has them).
func decodeProperties(b []byte) (p Properties, err error) {
	r := &fieldReader{rest: b}
	p.Present = Present(r.short())
	if p.Present&moreBit != 0 {
		return Properties{}, errProperties
	}
	text := func(of Present, to *string) {
		if p.Present.Has(of) {
			*to = r.text(int(r.octet()))
		}
	}
	text(ContentType, &p.ContentType)
	text(ContentEncoding, &p.ContentEncoding)
	if p.Present.Has(Headers) {
		p.Headers = r.table(0)
	}
	if p.Present.Has(DeliveryMode) {
		p.DeliveryMode = r.octet()
	}
	if p.Present.Has(Priority) {
		p.Priority = r.octet()
	}
	text(CorrelationID, &p.CorrelationID)
	text(ReplyTo, &p.ReplyTo)
	text(Expiration, &p.Expiration)
	text(MessageID, &p.MessageID)
	if p.Present.Has(Timestamp) {
		p.Timestamp = r.time()
	}
	text(Type, &p.Type)
	text(UserID, &p.UserID)
	text(AppID, &p.AppID)
	text(ClusterID, &p.ClusterID)
	if r.failed {
		return Properties{}, errProperties
	}
	return p, nil
}

// A fieldReader reads values from the front of bytes. Once it has failed, what it returns
// means nothing.
type fieldReader struct {
	rest   []byte
	failed bool
}

// take is n bytes.
func (r *fieldReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.failed, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *fieldReader) octet() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *fieldReader) short() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *fieldReader) long() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *fieldReader) longLong() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *fieldReader) text(n int) string { return string(r.take(n)) }

func (r *fieldReader) time() time.Time { return time.Unix(int64(r.longLong()), 0).UTC() }

// size is that of a long string, a table or an array.
func (r *fieldReader) size() int {
	n := r.long()
	if uint64(n) > uint64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return 0
	}
	return int(n)
}

func (r *fieldReader) table(depth int) amqp.Table {
	t := amqp.Table{}
	r.each(depth, func(in *fieldReader) {
		name := in.text(int(in.octet()))
		t[name] = in.field(depth)
	})
	return t
}

func (r *fieldReader) array(depth int) []any {
	a := []any{}
	r.each(depth, func(in *fieldReader) { a = append(a, in.field(depth)) })
	return a
}

// each has read called until all of a table or an array is read.
func (r *fieldReader) each(depth int, read func(*fieldReader)) {
	in := &fieldReader{rest: r.take(r.size()), failed: r.failed || depth > maxDepth}
	for len(in.rest) > 0 && !in.failed {
		read(in)
	}
	r.failed = r.failed || in.failed
}

// field reads a value, with its type before it.
func (r *fieldReader) field(depth int) any {
	switch r.octet() {
	case 't':
		return r.octet() != 0
	case 'B':
		return r.octet()
	case 'b':
		return int8(r.octet())
	case 'u':
		return r.short()
	case 's':
		return int16(r.short())
	case 'i':
		return r.long()
	case 'I':
		return int32(r.long())
	case 'l':
		return int64(r.longLong())
	case 'f':
		return math.Float32frombits(r.long())
	case 'd':
		return math.Float64frombits(r.longLong())
	case 'D':
		return amqp.Decimal{Scale: r.octet(), Value: int32(r.long())}
	case 'S':
		return r.text(r.size())
	case 'x':
		return append([]byte{}, r.take(r.size())...)
	case 'T':
		return r.time()
	case 'A':
		return r.array(depth + 1)
	case 'F':
		return r.table(depth + 1)
	case 'V':
		return nil
	default:
		r.failed, r.rest = true, nil
		return nil
	}
}
