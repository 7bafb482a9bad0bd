package sqs

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/queue/digest"
)

// A record is a message as an SQS event shows it; its members are in AWS's order.
type record struct {
	MessageID         string               `json:"messageId"`
	ReceiptHandle     string               `json:"receiptHandle"`
	Body              string               `json:"body"`
	Attributes        attributes           `json:"attributes"`
	MessageAttributes map[string]attribute `json:"messageAttributes"`
	MD5OfAttributes   json.RawMessage      `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody         string               `json:"md5OfBody"`
	EventSource       string               `json:"eventSource"`
	EventSourceARN    string               `json:"eventSourceARN"`
	AWSRegion         string               `json:"awsRegion"`
}

// attributes are SQS's own; times are milliseconds since 1970.
type attributes struct {
	Receives         string `json:"ApproximateReceiveCount"`
	TraceHeader      string `json:"AWSTraceHeader,omitempty"`
	Sent             string `json:"SentTimestamp"`
	SequenceNumber   string `json:"SequenceNumber,omitempty"`
	GroupID          string `json:"MessageGroupId,omitempty"`
	SenderID         string `json:"SenderId"`
	DedupID          string `json:"MessageDeduplicationId,omitempty"`
	DeadLetterSource string `json:"DeadLetterQueueSourceArn,omitempty"`
	FirstReceived    string `json:"ApproximateFirstReceiveTimestamp"`
}

// attribute is a sender's. Lists exist in the format only.
type attribute struct {
	String   *string  `json:"stringValue,omitempty"`
	Binary   []byte   `json:"binaryValue,omitempty"` // as base64
	Strings  []string `json:"stringListValues"`
	Binaries []string `json:"binaryListValues"`
	DataType string   `json:"dataType"`
}

// encode renders a message as a record of an event, as AWS prints it: with <, >
// and & as they are. Of a message without attributes, md5OfMessageAttributes is
// null when the mapping has a batching window, and not there when it has none:
// so do 34 recordings of AWS.
func encode(id queue.ID, m *queue.ReceivedMessage, windowed bool) []byte {
	r := record{
		MessageID:     m.MessageID,
		ReceiptHandle: m.ReceiptHandle,
		Body:          m.Body,
		Attributes: attributes{
			Receives:         strconv.Itoa(m.Receives),
			TraceHeader:      m.TraceHeader,
			Sent:             millis(m.Sent),
			SequenceNumber:   m.SequenceNumber,
			GroupID:          m.GroupID,
			SenderID:         m.SenderID,
			DedupID:          m.DedupID,
			DeadLetterSource: m.DeadLetterSource,
			FirstReceived:    millis(m.FirstReceived),
		},
		MessageAttributes: map[string]attribute{},
		MD5OfBody:         digest.Body(&m.Message),
		EventSource:       "aws:sqs",
		EventSourceARN:    id.ARN().String(),
		AWSRegion:         id.Region,
	}
	for _, a := range m.Attributes {
		r.MessageAttributes[a.Name] = messageAttribute(a)
	}
	if sum := digest.Attributes(m.Attributes); sum != "" {
		r.MD5OfAttributes = json.RawMessage(`"` + sum + `"`)
	} else if windowed {
		r.MD5OfAttributes = json.RawMessage("null")
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(r) // texts and maps of texts always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func messageAttribute(a queue.Attribute) attribute {
	out := attribute{Strings: []string{}, Binaries: []string{}, DataType: a.DataType}
	if kind, _, _ := strings.Cut(a.DataType, "."); kind == "Binary" {
		out.Binary = a.Value
	} else {
		s := string(a.Value)
		out.String = &s
	}
	return out
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
