package bridge

import "encoding/binary"

// A tap finds the messages in what a broker sends (AMQP 0-9-1, "Frame Details"). It is a
// machine, which is fed in pieces of any size. What is no frame it does not understand,
// and says nothing of: package amqp091 reads the same, and ends the connection.
//
// It takes all content to be of one channel.
type tap struct {
	// message is called when the last frame of a message was read, with the property flags
	// and the property list of its header, and the length of its body.
	message func(properties []byte, body int)

	head       [frameHead]byte
	headLength int
	payload    int    // bytes of the frame that are still to come, the octet at its end excluded
	content    []byte // of a content header, so far

	properties []byte // of the message that is being read
	body, rest uint64 // its length, and what of it is still to come
}

const (
	frameHead      = 7 // octets: type, channel (2), size of the payload (4)
	contentHeader  = 2
	contentBody    = 3
	propertyOffset = 12 // in a content header: after class (2), weight (2) and length of the body (8)
)

func (t *tap) read(b []byte) {
	for len(b) > 0 {
		if t.headLength < frameHead {
			n := copy(t.head[t.headLength:], b)
			t.headLength += n
			b = b[n:]
			if t.headLength == frameHead {
				t.payload = int(binary.BigEndian.Uint32(t.head[3:]))
				t.content = nil
			}
			continue
		}
		if t.payload == 0 { // the octet at the end
			b = b[1:]
			t.headLength = 0
			t.end()
			continue
		}
		piece := b[:min(t.payload, len(b))]
		b = b[len(piece):]
		t.payload -= len(piece)
		switch t.head[0] {
		case contentHeader:
			t.content = append(t.content, piece...)
		case contentBody:
			t.rest -= min(t.rest, uint64(len(piece)))
		}
	}
}

// end is the end of a frame.
func (t *tap) end() {
	switch t.head[0] {
	case contentHeader:
		if len(t.content) < propertyOffset {
			return
		}
		t.body = binary.BigEndian.Uint64(t.content[4:])
		t.rest = t.body
		t.properties = t.content[propertyOffset:]
	case contentBody:
	default:
		return
	}
	if t.rest == 0 && t.properties != nil {
		t.message(t.properties, int(t.body))
		t.properties = nil
	}
}
