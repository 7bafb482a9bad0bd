package wire

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/http"
	"reflect"
	"time"
)

// Events travel as messages of application/vnd.amazon.eventstream: 12 bytes that
// tell the lengths, with a checksum; headers; a payload; a checksum of it all
// (https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html).

const eventStreamType = "application/vnd.amazon.eventstream"

// The types of headers' values that are written.
const (
	headerTrue   = 0
	headerFalse  = 1
	headerInt32  = 4
	headerInt64  = 5
	headerBytes  = 6
	headerString = 7
	headerTime   = 8
)

// maxHeaderValue is how long a header's text or bytes may be.
const maxHeaderValue = 1<<15 - 1

var errHeaderTooLong = errors.New("a header of an event is too long")

// A documents writes documents, as the payloads of a protocol's events.
type documents interface {
	document(m *Member, v reflect.Value) (kind string, body []byte)
	exception(sh *Shape, e *Error) (kind string, body []byte)
}

// A message is an event on its way out. Headers come first, then the payload; end
// adds the rest.
type message struct {
	out     []byte
	headers int // where they end
}

func (m *message) reset() {
	m.out, m.headers = append(m.out[:0], make([]byte, 12)...), 0
}

func (m *message) name(name string, kind byte) {
	m.out = append(append(append(m.out, byte(len(name))), name...), kind)
}

func (m *message) text(name, value string) {
	m.name(name, headerString)
	m.out = append(binary.BigEndian.AppendUint16(m.out, uint16(len(value))), value...)
}

// header writes a member of an event that is a header.
func (m *message) header(mb *Member, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	name := mb.wire()
	switch mb.Shape.Kind {
	case Boolean:
		kind := byte(headerFalse)
		if v.Bool() {
			kind = headerTrue
		}
		m.name(name, kind)
	case Integer:
		m.name(name, headerInt32)
		m.out = binary.BigEndian.AppendUint32(m.out, uint32(v.Int()))
	case Long:
		m.name(name, headerInt64)
		m.out = binary.BigEndian.AppendUint64(m.out, uint64(v.Int()))
	case Timestamp:
		m.name(name, headerTime)
		m.out = binary.BigEndian.AppendUint64(m.out, uint64(v.Interface().(time.Time).UnixMilli()))
	case Blob:
		if v.Len() > maxHeaderValue {
			return errHeaderTooLong
		}
		m.name(name, headerBytes)
		m.out = append(binary.BigEndian.AppendUint16(m.out, uint16(v.Len())), v.Bytes()...)
	default:
		if v.Len() > maxHeaderValue {
			return errHeaderTooLong
		}
		m.text(name, v.String())
	}
	return nil
}

// payload writes what the message holds.
func (m *message) payload(kind string, body []byte) {
	if kind != "" {
		m.text(":content-type", kind)
	}
	m.headers = len(m.out)
	m.out = append(m.out, body...)
}

// end completes the message and returns it. It is good until the next reset.
func (m *message) end() []byte {
	binary.BigEndian.PutUint32(m.out, uint32(len(m.out)+4))
	binary.BigEndian.PutUint32(m.out[4:], uint32(m.headers-12))
	binary.BigEndian.PutUint32(m.out[8:], crc32.ChecksumIEEE(m.out[:8]))
	m.out = binary.BigEndian.AppendUint32(m.out, crc32.ChecksumIEEE(m.out))
	return m.out
}

// event writes an event: mb is its member of the stream's shape.
func (m *message) event(d documents, mb *Member, v reflect.Value) error {
	m.reset()
	m.text(":message-type", "event")
	m.text(":event-type", mb.wire())
	sh := mb.Shape
	for i, part := range sh.Members {
		if f := v.Field(i); part.Location == "header" && !f.IsNil() {
			if err := m.header(part, f); err != nil {
				return err
			}
		}
	}
	i := sh.payload()
	switch {
	case i < 0 && sh.hasBody():
		m.payload(d.document(mb, v))
	case i < 0 || v.Field(i).IsNil():
		m.payload("", nil)
	case sh.Members[i].Shape.Kind == Blob:
		m.payload("application/octet-stream", v.Field(i).Bytes())
	case sh.Members[i].Shape.Kind == String:
		m.payload("text/plain", []byte(v.Field(i).Elem().String()))
	default:
		m.payload(d.document(sh.Members[i], v.Field(i).Elem()))
	}
	return nil
}

// failure writes the error that ends a stream, as an exception where the stream's
// shape has it.
func (m *message) failure(d documents, sh *Shape, e *Error) {
	m.reset()
	for _, mb := range sh.Exceptions {
		if mb.Shape.Name != e.Code {
			continue
		}
		m.text(":message-type", "exception")
		m.text(":exception-type", mb.wire())
		m.payload(d.exception(mb.Shape, e))
		return
	}
	m.text(":message-type", "error")
	m.text(":error-code", e.Code)
	m.text(":error-message", e.Message[:min(len(e.Message), maxHeaderValue)])
	m.payload("", nil)
}

// replyEvents sends an answer that is a stream of events, each as it comes. first is
// the structure whose other members the first event tells, in protocols without
// another place for them; else it is not valid.
func replyEvents(w http.ResponseWriter, d documents, op *Operation, r *Request, status int, requestID string, first, v reflect.Value) error {
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("Content-Type", eventStreamType)
	w.WriteHeader(status)
	var m message
	controller := http.NewResponseController(w)
	send := func() error {
		_, err := w.Write(m.end())
		_ = controller.Flush() // one that cannot sends all at the end
		return err
	}
	if first.IsValid() {
		m.reset()
		m.text(":message-type", "event")
		m.text(":event-type", "initial-response")
		m.payload(d.document(&Member{Name: op.Name + "Response", Shape: op.Output}, first))
		if err := send(); err != nil {
			return err
		}
	} else {
		_ = controller.Flush()
	}
	i := op.Output.streamed()
	if v.Field(i).IsNil() {
		return nil
	}
	sh := op.Output.Members[i].Shape
	for event, failed := range v.Field(i).Seq2() {
		err, _ := failed.Interface().(error)
		if err == nil {
			err = m.one(d, sh, event)
		}
		if err != nil {
			m.failure(d, sh, r.translate(err))
			return send()
		}
		if err := send(); err != nil {
			return err
		}
	}
	return nil
}

var errNoEvent = errors.New("an event of a stream has no field that is set")

// one writes the event that is set of those that a stream has.
func (m *message) one(d documents, sh *Shape, v reflect.Value) error {
	if v.IsNil() {
		return errNoEvent
	}
	for i, mb := range sh.Members {
		if f := v.Elem().Field(i); !f.IsNil() {
			return m.event(d, mb, f.Elem())
		}
	}
	return errNoEvent
}

func (r *Request) translate(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case r.Translate != nil:
		return r.Translate(err)
	}
	return &Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Fault: true}
}
