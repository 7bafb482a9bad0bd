package event

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"millrace/runtime/object/notify"
	"millrace/runtime/object/owner"
)

// s3 is what happened to an object in a bucket without versions, written by what writes the
// notifications of buckets: as a function gets it from the bucket, or from a queue or a topic
// that the bucket tells.
func (m *maker) s3() (any, error) {
	kind, err := typeOf(m.Event)
	if err != nil {
		return nil, err
	}
	content := m.Body[0]
	e := notify.Event{
		Type: kind, Time: m.Now,
		Region: m.Region, Bucket: m.Bucket, Account: m.Account,
		Key: m.Key, Size: int64(len(content)), ETag: md5Hex(content), Sequencer: binary.BigEndian.Uint64(m.draw.bytes(8)),
		Caller: owner.CallerID(m.Account), SourceIP: "127.0.0.1",
		RequestID: strings.ToUpper(m.draw.hex(8)), HostID: m.draw.base64(57),
		Configuration: "sample",
	}
	body := e.Body()
	m.Body, m.Subject = []string{string(body)}, notify.Subject
	switch m.Via {
	case "":
		return json.RawMessage(body), nil
	case "queue":
		return m.sqs(), nil
	case "topic":
		return m.sns()
	}
	return nil, fmt.Errorf("a bucket tells no %q: want queue or topic", m.Via)
}

// typeOf finds a type of events by its name: ObjectCreated:Put.
func typeOf(name string) (notify.Type, error) {
	for t := notify.Type(1); t.String() != ""; t++ {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown event %q of buckets: ObjectCreated:Put and ObjectRemoved:Delete are two of them", name)
}
