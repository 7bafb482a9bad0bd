package event

import (
	"encoding/base64"
	"fmt"
	"unicode/utf8"
)

// https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
type activeMQEvent struct {
	EventSource    string            `json:"eventSource"`
	EventSourceARN string            `json:"eventSourceArn"`
	Messages       []activeMQMessage `json:"messages"`
}

type activeMQMessage struct {
	MessageID     string              `json:"messageID"`
	MessageType   string              `json:"messageType"`
	DeliveryMode  int                 `json:"deliveryMode"`
	ReplyTo       *string             `json:"replyTo"`
	Type          *string             `json:"type"`
	Expiration    int64               `json:"expiration"` // a number: aws-lambda-go takes no text
	Priority      int                 `json:"priority"`
	CorrelationID *string             `json:"correlationId"`
	Redelivered   bool                `json:"redelivered"`
	Destination   activeMQDestination `json:"destination"`
	Data          string              `json:"data"` // base64
	Timestamp     int64               `json:"timestamp"`
	BrokerInTime  int64               `json:"brokerInTime"`
	BrokerOutTime int64               `json:"brokerOutTime"`
	Properties    struct{}            `json:"properties"`
}

type activeMQDestination struct {
	PhysicalName string `json:"physicalName"`
}

// activeMQ is a batch of persistent JMS messages of one producer: text where
// the body is text, bytes elsewhere.
func (m *maker) activeMQ() activeMQEvent {
	broker := m.draw.uuid()
	now := m.Now.UnixMilli()
	e := activeMQEvent{EventSource: "aws:mq", EventSourceARN: m.broker(broker)}
	for i, body := range m.Body {
		kind := "jms/text-message"
		if !utf8.ValidString(body) {
			kind = "jms/bytes-message"
		}
		sent := now + int64(i)
		e.Messages = append(e.Messages, activeMQMessage{
			MessageID:     fmt.Sprintf("ID:b-%s-1.mq.%s.amazonaws.com-40001-%d-4:12:1:1:%d", broker, m.Region, now, i+1),
			MessageType:   kind,
			DeliveryMode:  2,
			Priority:      4, // the default of JMS
			Destination:   activeMQDestination{m.Queue},
			Data:          base64.StdEncoding.EncodeToString([]byte(body)),
			Timestamp:     sent,
			BrokerInTime:  sent,
			BrokerOutTime: sent + 1,
		})
	}
	return e
}

type rabbitMQEvent struct {
	EventSource     string                       `json:"eventSource"`
	EventSourceARN  string                       `json:"eventSourceArn"`
	MessagesByQueue map[string][]rabbitMQMessage `json:"rmqMessagesByQueue"` // by "queue::vhost"
}

type rabbitMQMessage struct {
	BasicProperties rabbitMQProperties `json:"basicProperties"`
	Redelivered     bool               `json:"redelivered"`
	Data            string             `json:"data"` // base64
}

type rabbitMQProperties struct {
	ContentType     string   `json:"contentType"`
	ContentEncoding *string  `json:"contentEncoding"`
	Headers         struct{} `json:"headers"`
	DeliveryMode    int      `json:"deliveryMode"`
	Priority        *int     `json:"priority"`
	CorrelationID   *string  `json:"correlationId"`
	ReplyTo         *string  `json:"replyTo"`
	Expiration      *string  `json:"expiration"`
	MessageID       *string  `json:"messageId"`
	Timestamp       string   `json:"timestamp"`
	Type            *string  `json:"type"`
	UserID          *string  `json:"userId"`
	AppID           *string  `json:"appId"`
	ClusterID       *string  `json:"clusterId"`
	BodySize        int      `json:"bodySize"` // bytes, before base64
}

// rabbitMQ is a batch of persistent messages from the virtual host "/".
func (m *maker) rabbitMQ() rabbitMQEvent {
	var messages []rabbitMQMessage
	for _, body := range m.Body {
		messages = append(messages, rabbitMQMessage{
			BasicProperties: rabbitMQProperties{
				ContentType:  "text/plain",
				DeliveryMode: 2,
				Timestamp:    m.Now.Format("Jan 2, 2006, 3:04:05 PM"), // as Java writes it
				BodySize:     len(body),
			},
			Data: base64.StdEncoding.EncodeToString([]byte(body)),
		})
	}
	return rabbitMQEvent{
		EventSource:     "aws:rmq",
		EventSourceARN:  m.broker(m.draw.uuid()),
		MessagesByQueue: map[string][]rabbitMQMessage{m.Queue + "::/": messages},
	}
}

func (m *maker) broker(id string) string { return m.arn("mq", "broker:sample:b-"+id) }
