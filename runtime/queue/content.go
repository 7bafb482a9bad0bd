package queue

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
)

// Content is what a sender gave, packed: the form in which the log stores it,
// and the machine keeps it while there is room. It is opaque to the machine: the
// ids that it lives by come beside it, see NewDraft.
type Content string

// A print stands for an id that a sender gave: a MessageGroupId or a
// MessageDeduplicationId. The log has it in clear, so it tells nothing of the id.
type print [16]byte

// printOf makes the print of an id, which is zero for no id.
func printOf(id string) (p print) {
	if id != "" {
		sum := sha256.Sum256([]byte(id))
		copy(p[:], sum[:])
	}
	return p
}

// Pack packs a message. Delay is not part of the content. deadLetterSource is
// the ARN of the queue it was moved from, "" when it was not.
func Pack(m *Message, deadLetterSource string) Content {
	n := 64 + len(m.MD5) + len(m.Body) + len(m.GroupID) + len(m.DedupID) + len(m.SenderID) + len(m.TraceHeader) + len(m.TraceParent)
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.DataType) + len(a.Value) + 12
	}
	var b strings.Builder
	b.Grow(n)
	for _, s := range [...]string{m.GroupID, m.DedupID, m.Body} {
		pack(&b, s)
	}
	if m.MD5 != [md5.Size]byte{} {
		pack(&b, m.MD5[:])
	} else {
		pack(&b, "")
	}
	for _, s := range [...]string{m.SenderID, m.TraceHeader, m.TraceParent, deadLetterSource} {
		pack(&b, s)
	}
	for _, a := range m.Attributes {
		pack(&b, a.Name)
		pack(&b, a.DataType)
		pack(&b, a.Value)
	}
	return Content(b.String())
}

// pack writes a text behind its length.
func pack[T string | []byte](b *strings.Builder, text T) {
	var n [binary.MaxVarintLen64]byte
	b.Write(n[:binary.PutUvarint(n[:], uint64(len(text)))])
	b.WriteString(string(text))
}

// Unpack is the inverse of Pack.
func (c Content) Unpack() (m Message, deadLetterSource string, err error) {
	r := reader{rest: string(c)}
	var sum string
	for _, s := range [...]*string{&m.GroupID, &m.DedupID, &m.Body, &sum, &m.SenderID, &m.TraceHeader, &m.TraceParent, &deadLetterSource} {
		*s = r.text()
	}
	copy(m.MD5[:], sum)
	for r.err == nil && r.rest != "" {
		m.Attributes = append(m.Attributes, Attribute{r.text(), r.text(), []byte(r.text())})
	}
	return m, deadLetterSource, r.err
}

// group reads the group id, which comes first.
func (c Content) group() string {
	r := reader{rest: string(c)}
	return r.text()
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var (
	errShort = errors.New("cut short")

	// ErrUnknownVersion says that a log entry is whole, but written by another version of
	// this package.
	ErrUnknownVersion = errors.New("of an unknown kind: another version wrote it")
)

// A reader takes values off the front of a text. After the first error it
// returns zeros.
type reader struct {
	rest string
	err  error
}

func (r *reader) uvarint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		if r.rest == "" {
			break
		}
		c := r.rest[0]
		r.rest = r.rest[1:]
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail(errShort)
	return 0
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) take(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.fail(errShort)
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) text() string { return r.take(r.uvarint()) }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err, r.rest = err, ""
	}
}
