package queue

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
)

// Content is what a sender gave, encoded as the log stores it. The machine keeps it
// while the budget allows, and does not read it: the ids that matter to it come
// beside it, see NewDraft.
type Content string

// A fingerprint stands for a MessageGroupId or a MessageDeduplicationId. It is a
// hash, because the log has it in clear.
type fingerprint [16]byte

// fingerprintOf makes the fingerprint of an id; "" gives the zero fingerprint.
func fingerprintOf(id string) (p fingerprint) {
	if id != "" {
		sum := sha256.Sum256([]byte(id))
		copy(p[:], sum[:])
	}
	return p
}

// unfinishedMark is packed in place of the MD5 of a body that is unfinished, which has
// none yet.
const unfinishedMark = "u"

// Pack encodes a message, except for its Delay. deadLetterSource is the ARN of the
// queue it was moved from, "" when it was not.
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
	switch {
	case m.Unfinished:
		pack(&b, unfinishedMark)
	case m.MD5 != [md5.Size]byte{}:
		pack(&b, m.MD5[:])
	default:
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

// pack writes text, prefixed with its length.
func pack[T string | []byte](b *strings.Builder, text T) {
	var n [binary.MaxVarintLen64]byte
	b.Write(n[:binary.PutUvarint(n[:], uint64(len(text)))])
	b.WriteString(string(text))
}

// Unpack is the inverse of Pack.
func (c Content) Unpack() (m Message, deadLetterSource string, err error) {
	r := reader{remaining: string(c)}
	var sum string
	for _, s := range [...]*string{&m.GroupID, &m.DedupID, &m.Body, &sum, &m.SenderID, &m.TraceHeader, &m.TraceParent, &deadLetterSource} {
		*s = r.text()
	}
	if m.Unfinished = sum == unfinishedMark; !m.Unfinished {
		copy(m.MD5[:], sum)
	}
	for r.err == nil && r.remaining != "" {
		m.Attributes = append(m.Attributes, Attribute{r.text(), r.text(), []byte(r.text())})
	}
	return m, deadLetterSource, r.err
}

// group reads the message group id, which comes first.
func (c Content) group() string {
	r := reader{remaining: string(c)}
	return r.text()
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var (
	errTruncated = errors.New("truncated")

	// ErrUnknownVersion says that a log entry is undamaged, but written by another
	// version of this package.
	ErrUnknownVersion = errors.New("unknown format: another version wrote it")
)

// A reader decodes values from the front of a text. After the first error it returns
// zero values.
type reader struct {
	remaining string
	err       error
}

func (r *reader) uvarint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		if r.remaining == "" {
			break
		}
		c := r.remaining[0]
		r.remaining = r.remaining[1:]
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail(errTruncated)
	return 0
}

func (r *reader) byte() byte {
	if s := r.next(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) next(n uint64) string {
	if n > uint64(len(r.remaining)) {
		r.fail(errTruncated)
		return ""
	}
	s := r.remaining[:n]
	r.remaining = r.remaining[n:]
	return s
}

func (r *reader) text() string { return r.next(r.uvarint()) }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err, r.remaining = err, ""
	}
}
