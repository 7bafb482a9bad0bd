package event

import (
	"encoding/binary"
	"encoding/json"
	"strings"

	"millrace/runtime/object/notify"
	"millrace/runtime/object/owner"
)

// s3 is a PutObject into a bucket without versions, written by what writes the
// notifications of buckets.
func (m *maker) s3() json.RawMessage {
	content := m.Body[0]
	e := notify.Event{
		Type: notify.ObjectCreatedPut, Time: m.Now,
		Region: m.Region, Bucket: m.Bucket, Account: m.Account,
		Key: m.Key, Size: int64(len(content)), ETag: md5Hex(content), Sequencer: binary.BigEndian.Uint64(m.draw.bytes(8)),
		Caller: owner.CallerID(m.Account), SourceIP: "127.0.0.1",
		RequestID: strings.ToUpper(m.draw.hex(8)), HostID: m.draw.base64(57),
		Configuration: "sample",
	}
	return json.RawMessage(e.Body())
}
