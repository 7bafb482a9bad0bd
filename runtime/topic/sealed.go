package topic

import (
	"encoding/binary"
	"encoding/json"

	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
)

// What the log of a FIFO topic has of a message: the length of the wrapped data key as
// two bytes, the key, and the message encrypted with it. Each has a key of its own: to
// wrap one costs microseconds, and a KMS key that is disabled counts at once.

// seal is a message as the log has it, encrypted under the topic's KMS key, or the
// runtime's own.
func (ts *Topics) seal(t *Topic, m *stored) ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing a message")
	}
	k, err := ts.config.Keys.DataKey(t.Attributes[KMSKey], t.Account, t.Region)
	if err != nil {
		return nil, err
	}
	content := binary.BigEndian.AppendUint16(nil, uint16(len(k.Wrapped)))
	content = append(content, k.Wrapped...)
	return append(content, keys.Box(k.AEAD, text, t.Generation)...), nil
}

// unseal is the inverse of seal.
func (ts *Topics) unseal(t *Topic, content []byte) (m stored, err error) {
	if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
		return m, fault.New(fault.Internal, "a message of a FIFO topic that cannot be read")
	}
	n := 2 + int(binary.BigEndian.Uint16(content))
	aead, err := ts.config.Keys.Unwrap(content[2:n])
	if err != nil {
		return m, err
	}
	text, err := keys.Unbox(aead, content[n:], t.Generation)
	if err != nil {
		return m, err
	}
	return m, fault.Wrap(fault.Internal, json.Unmarshal(text, &m), "reading a message")
}
