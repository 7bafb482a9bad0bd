package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// An Ack is what JetStream has said of an entry that was published.
type Ack struct {
	Seq       uint64 // of the entry, or of the original of a duplicate
	Duplicate bool
	Err       error // why the entry is not stored: a *jetstream.APIError, ErrNobody, or another
}

// ErrNobody says that no stream has taken an entry: nothing is stored.
var ErrNobody = errors.New("JetStream does not respond (status 503)")

// AckPrefix is how the acknowledgements of a stream begin, up to the sequence.
func AckPrefix(stream string) []byte { return fmt.Appendf(nil, `{"stream":%q,"seq":`, stream) }

// ParseAck parses an acknowledgement, by its status header and its data. prefix is the
// stream's AckPrefix.
func ParseAck(prefix []byte, status string, data []byte) Ack {
	if rest, ok := bytes.CutPrefix(data, prefix); ok && status == "" {
		digits := rest[:len(rest)-len(bytes.TrimLeft(rest, "0123456789"))]
		end := string(rest[len(digits):])
		if end == "}" || end == `,"duplicate": true}` {
			if seq, err := strconv.ParseUint(string(digits), 10, 64); err == nil {
				return Ack{Seq: seq, Duplicate: end != "}"} // nearly always
			}
		}
	}
	var said struct {
		Seq       uint64              `json:"seq"`
		Duplicate bool                `json:"duplicate"`
		Error     *jetstream.APIError `json:"error"`
	}
	err := json.Unmarshal(data, &said)
	switch {
	case err == nil && said.Error != nil:
		return Ack{Err: said.Error}
	case status == "503":
		return Ack{Err: ErrNobody}
	case status != "":
		return Ack{Err: fmt.Errorf("JetStream does not respond (status %s)", status)}
	case err != nil || said.Seq == 0:
		return Ack{Err: fmt.Errorf("malformed acknowledgement: %v", err)}
	}
	return Ack{Seq: said.Seq, Duplicate: said.Duplicate}
}

// IsWrongSequence reports whether an entry was refused because it was to follow another one
// than is the last: somebody else has written.
func IsWrongSequence(err error) bool {
	var e *jetstream.APIError
	return errors.As(err, &e) && (e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
