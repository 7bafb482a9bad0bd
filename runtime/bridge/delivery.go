package bridge

import (
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Delivery is a message as a broker has delivered it.
type Delivery struct {
	Handle               Handle
	Redelivered          bool
	Exchange, RoutingKey string
	Properties           Properties
	Body                 []byte
}

// A Handle names a delivery: a tag counts from 1 in each connection.
type Handle struct {
	Connection string // of letters and digits
	Tag        uint64
}

// String returns what ParseHandle reads: "connection.tag".
func (h Handle) String() string { return h.Connection + "." + strconv.FormatUint(h.Tag, 10) }

// ParseHandle reads what String has written.
func ParseHandle(s string) (h Handle, ok bool) {
	connection, tag, ok := strings.Cut(s, ".")
	n, err := strconv.ParseUint(tag, 10, 64)
	return Handle{connection, n}, ok && err == nil
}

// Properties are those of a message of AMQP 0-9-1 ("class basic").
type Properties struct {
	Present Present // the others are zero

	ContentType, ContentEncoding string

	// Headers has values of these types, as package amqp091 has them: nil, bool, byte, int8, uint16, int16,
	// uint32, int32, int64, float32, float64, amqp.Decimal, string, []byte, time.Time,
	// []any and amqp.Table. Strings may hold any bytes.
	Headers amqp.Table

	DeliveryMode, Priority                        uint8
	CorrelationID, ReplyTo, Expiration, MessageID string
	Timestamp                                     time.Time // in whole seconds
	Type, UserID, AppID, ClusterID                string
}

// Present says which properties a message has. Its bits are the property flags of AMQP.
type Present uint16

// The properties.
const (
	ContentType Present = 1 << (15 - iota)
	ContentEncoding
	Headers
	DeliveryMode
	Priority
	CorrelationID
	ReplyTo
	Expiration
	MessageID
	Timestamp
	Type
	UserID
	AppID
	ClusterID
)

// Has reports whether a property, or all of several, are there.
func (p Present) Has(of Present) bool { return p&of == of }
