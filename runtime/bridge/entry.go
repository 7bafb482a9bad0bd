package bridge

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// The headers of an entry in a queue's stream. Its payload is the body of the message.
const (
	// DeliveryHeader names the delivery, as Handle.String does.
	DeliveryHeader = "Mq-Delivery"

	// RedeliveredHeader is "true" when the broker has delivered the message before; else it
	// is not there.
	RedeliveredHeader = "Mq-Redelivered"

	// ExchangeHeader and RoutingKeyHeader are what the message was published to. Bytes
	// beside printable ASCII, and "%", stand as "%" and two hexadecimal digits. A name that
	// is empty, as that of the default exchange, has no header.
	ExchangeHeader   = "Mq-Exchange"
	RoutingKeyHeader = "Mq-Routing-Key"

	// PropertiesHeader is the property flags and the property list of the message's content
	// header (AMQP 0-9-1, "Content Framing"), as they came, in base64.
	PropertiesHeader = "Mq-Properties"

	// KeptHeader, if it is there, is the length of the body of a message that is larger than
	// NATS takes. The entry has neither its body nor its properties.
	KeptHeader = "Mq-Kept"
)

// An entry is a delivery on its way through a stream.
type entry struct {
	handle               Handle
	redelivered          bool
	exchange, routingKey string
	properties           []byte // as in a content header
	body                 []byte
	kept                 bool // body and properties are elsewhere
}

// message is the entry as NATS has it. When it would be larger than limit, in bytes, or
// its headers larger than a stream takes, it has neither body nor properties, and the
// entry is marked as kept.
func (e *entry) message(subject string, limit int64) *nats.Msg {
	h := nats.Header{DeliveryHeader: {e.handle.String()}}
	if e.redelivered {
		h[RedeliveredHeader] = []string{"true"}
	}
	if e.exchange != "" {
		h[ExchangeHeader] = []string{printable(e.exchange)}
	}
	if e.routingKey != "" {
		h[RoutingKeyHeader] = []string{printable(e.routingKey)}
	}
	m := &nats.Msg{Subject: subject, Header: h}
	headers := base64.StdEncoding.EncodedLen(len(e.properties)) + otherHeaders
	if e.kept = headers > maxHeaders || int64(headers+len(e.body)) > limit; e.kept {
		h[KeptHeader] = []string{strconv.Itoa(len(e.body))}
		return m
	}
	h[PropertiesHeader] = []string{base64.StdEncoding.EncodeToString(e.properties)}
	m.Data = e.body
	return m
}

// maxHeaders is the most bytes of headers that JetStream stores with a message.
const maxHeaders = 1<<16 - 1

// otherHeaders is more than what an entry has beside properties and body: two names of up to
// 255 bytes are the most of it, each of which may take three.
const otherHeaders = 2 << 10

var errEntry = errors.New("this is no entry of a bridge")

// entryOf reads what message has written.
func entryOf(m *nats.Msg) (e entry, err error) {
	var ok [3]bool
	e.handle, ok[0] = handleOf(m)
	e.redelivered = first(m, RedeliveredHeader) == "true"
	e.kept = first(m, KeptHeader) != ""
	e.body = m.Data
	e.exchange, ok[1] = unprintable(first(m, ExchangeHeader))
	e.routingKey, ok[2] = unprintable(first(m, RoutingKeyHeader))
	e.properties, err = base64.StdEncoding.DecodeString(first(m, PropertiesHeader))
	if err != nil || ok != [3]bool{true, true, true} {
		return entry{}, errEntry
	}
	return e, nil
}

// handleOf is whose entry a message is.
func handleOf(m *nats.Msg) (h Handle, ok bool) { return ParseHandle(first(m, DeliveryHeader)) }

func first(m *nats.Msg, header string) string {
	if all := m.Header[header]; len(all) > 0 {
		return all[0]
	}
	return ""
}

// sequenceOf is the sequence of a message of a stream, from its reply subject (JetStream,
// ADR-15): $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<…>, or with two tokens more
// after the second.
func sequenceOf(m *nats.Msg) (sequence uint64, ok bool) {
	rest, ok := strings.CutPrefix(m.Reply, "$JS.ACK.")
	if !ok {
		return 0, false
	}
	before := 3
	if strings.Count(rest, ".") >= 8 {
		before = 5
	}
	for range before {
		_, rest, _ = strings.Cut(rest, ".")
	}
	token, _, _ := strings.Cut(rest, ".")
	sequence, err := strconv.ParseUint(token, 10, 64)
	return sequence, err == nil
}

func isPrintable(c byte) bool { return ' ' < c && c <= '~' && c != '%' }

// printable is a string as it can stand in a header.
func printable(s string) string { return escapeBut(s, isPrintable) }

// unprintable reads what printable has written.
func unprintable(s string) (string, bool) { return unescapeBut(s, isPrintable) }
