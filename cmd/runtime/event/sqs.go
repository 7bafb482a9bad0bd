package event

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
type sqsEvent struct {
	Records []sqsRecord `json:"Records"`
}

type sqsRecord struct {
	MessageID              string            `json:"messageId"`
	ReceiptHandle          string            `json:"receiptHandle"`
	Body                   string            `json:"body"`
	Attributes             map[string]string `json:"attributes"`
	MessageAttributes      struct{}          `json:"messageAttributes"`
	MD5OfMessageAttributes *string           `json:"md5OfMessageAttributes"`
	MD5OfBody              string            `json:"md5OfBody"`
	EventSource            string            `json:"eventSource"`
	EventSourceARN         string            `json:"eventSourceARN"`
	AWSRegion              string            `json:"awsRegion"`
}

// sqs is a batch of messages, received for the first time as they arrived.
func (m *maker) sqs() sqsEvent {
	var e sqsEvent
	for i, body := range m.Body {
		e.Records = append(e.Records, sqsRecord{
			MessageID: m.draw.uuid(),
			// Real handles begin alike: AQEB.
			ReceiptHandle:  base64.StdEncoding.EncodeToString(append([]byte{1, 1, 1}, m.draw.bytes(132)...)),
			Body:           body,
			Attributes:     m.sqsAttributes(i, body),
			MD5OfBody:      md5Hex(body),
			EventSource:    "aws:sqs",
			EventSourceARN: m.arn("sqs", m.Queue),
			AWSRegion:      m.Region,
		})
	}
	return e
}

func (m *maker) sqsAttributes(i int, body string) map[string]string {
	sent := m.Now.Add(time.Duration(i) * time.Millisecond)
	attrs := map[string]string{
		"ApproximateReceiveCount":          "1",
		"SentTimestamp":                    strconv.FormatInt(sent.UnixMilli(), 10),
		"SenderId":                         m.Account,
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(sent.UnixMilli()+2, 10),
	}
	if strings.HasSuffix(m.Queue, ".fifo") {
		sum := sha256.Sum256([]byte(body)) // content-based deduplication
		attrs["SequenceNumber"] = fmt.Sprintf("18849496460467%06d", 696128+i*256)
		attrs["MessageGroupId"] = "sample"
		attrs["MessageDeduplicationId"] = hex.EncodeToString(sum[:])
	}
	return attrs
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
