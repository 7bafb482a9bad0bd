package bridge

import (
	"encoding/base64"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
)

// The headers of an entry in a queue's stream. Its payload is the body of the message.
const (
	// ConnectionHeader and TagHeader name the delivery: see Handle.
	ConnectionHeader = "Mq-Connection"
	TagHeader        = "Mq-Tag"

	// RedeliveredHeader is "true" when the broker has delivered the message before.
	RedeliveredHeader = "Mq-Redelivered"

	// ExchangeHeader and RoutingKeyHeader are what the message was published to. Bytes
	// beside printable ASCII, and "%", stand as "%" and two hexadecimal digits.
	ExchangeHeader   = "Mq-Exchange"
	RoutingKeyHeader = "Mq-Routing-Key"

	// PropertiesHeader is the property flags and the property list of the message's content
	// header (AMQP 0-9-1, "Content Framing"), as they came, in base64.
	PropertiesHeader = "Mq-Properties"

	// KeptHeader, if it is there, is the length of the body of a message that is larger than
	// the NATS server takes. The entry has neither its body nor its properties.
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

// message is the entry as NATS has it. When it would be larger than limit, in bytes, it
// has neither body nor properties, and the entry is marked as kept.
func (e *entry) message(subject string, limit int64) *nats.Msg {
	m := &nats.Msg{Subject: subject, Data: e.body, Header: nats.Header{
		ConnectionHeader:  {e.handle.Connection},
		TagHeader:         {strconv.FormatUint(e.handle.Tag, 10)},
		RedeliveredHeader: {strconv.FormatBool(e.redelivered)},
		ExchangeHeader:    {printable(e.exchange)},
		RoutingKeyHeader:  {printable(e.routingKey)},
		PropertiesHeader:  {base64.StdEncoding.EncodeToString(e.properties)},
	}}
	if int64(m.Size()) > limit {
		m.Data = nil
		m.Header.Del(PropertiesHeader)
		m.Header[KeptHeader] = []string{strconv.Itoa(len(e.body))}
		e.kept = true
	}
	return m
}

var errEntry = errors.New("this is no entry of a bridge")

// entryOf reads what message has written.
func entryOf(m *nats.Msg) (e entry, err error) {
	if e.handle, err = handleOf(m); err != nil {
		return e, err
	}
	first := func(name string) string {
		if all := m.Header[name]; len(all) > 0 {
			return all[0]
		}
		return ""
	}
	e.redelivered = first(RedeliveredHeader) == "true"
	e.kept = len(m.Header[KeptHeader]) > 0
	e.body = m.Data
	var ok [2]bool
	e.exchange, ok[0] = unprintable(first(ExchangeHeader))
	e.routingKey, ok[1] = unprintable(first(RoutingKeyHeader))
	e.properties, err = base64.StdEncoding.DecodeString(first(PropertiesHeader))
	if err != nil || ok != [2]bool{true, true} {
		return entry{}, errEntry
	}
	return e, nil
}

// handleOf is whose entry a message is.
func handleOf(m *nats.Msg) (h Handle, err error) {
	connection, tag := m.Header[ConnectionHeader], m.Header[TagHeader]
	if len(connection) != 1 || len(tag) != 1 {
		return h, errEntry
	}
	h.Connection = connection[0]
	if h.Tag, err = strconv.ParseUint(tag[0], 10, 64); err != nil {
		return Handle{}, errEntry
	}
	return h, nil
}

func isPrintable(c byte) bool { return ' ' < c && c <= '~' && c != '%' }

// printable is a string as it can stand in a header.
func printable(s string) string { return escapeBut(s, isPrintable) }

// unprintable reads what printable has written.
func unprintable(s string) (string, bool) { return unescapeBut(s, isPrintable) }
