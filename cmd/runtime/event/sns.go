package event

import (
	"encoding/json"

	"millrace/runtime/topic/envelope"
)

// sns is one published message, written by what writes those of topics. Its signature has
// the right size and no key.
func (m *maker) sns() (json.RawMessage, error) {
	topic := m.arn("sns", m.Topic)
	subscription := topic + ":" + m.draw.uuid()
	host := "https://sns." + m.Region + ".amazonaws.com"
	draft := envelope.NewDraft(envelope.Notification{
		MessageID: m.draw.uuid(),
		TopicARN:  topic,
		Subject:   m.Subject,
		Message:   m.Body[0],
		Timestamp: m.Now,
		CertURL:   host + "/" + envelope.CertFile(m.draw.hex(16)),
		BaseURL:   host,
	})
	event, err := envelope.Finish(string(draft.Lambda(subscription)), func(_, _, _ string) (string, error) {
		return m.draw.base64(256), nil
	})
	return json.RawMessage(event), err
}
