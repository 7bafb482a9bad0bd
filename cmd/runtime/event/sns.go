package event

// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
type snsEvent struct {
	Records []snsRecord `json:"Records"`
}

type snsRecord struct {
	EventSource          string    `json:"EventSource"`
	EventVersion         string    `json:"EventVersion"`
	EventSubscriptionARN string    `json:"EventSubscriptionArn"`
	SNS                  snsEntity `json:"Sns"`
}

type snsEntity struct {
	Type              string   `json:"Type"`
	MessageID         string   `json:"MessageId"`
	TopicARN          string   `json:"TopicArn"`
	Subject           *string  `json:"Subject"` // null without one
	Message           string   `json:"Message"`
	Timestamp         string   `json:"Timestamp"`
	SignatureVersion  string   `json:"SignatureVersion"`
	Signature         string   `json:"Signature"`
	SigningCertURL    string   `json:"SigningCertUrl"` // Url here, URL in the envelopes of queues
	UnsubscribeURL    string   `json:"UnsubscribeUrl"`
	MessageAttributes struct{} `json:"MessageAttributes"`
}

// sns is one published message. Its signature has the right size and no key.
func (m *maker) sns() snsEvent {
	topic := m.arn("sns", m.Topic)
	subscription := topic + ":" + m.draw.uuid()
	host := "https://sns." + m.Region + ".amazonaws.com/"
	var subject *string
	if m.Subject != "" {
		subject = &m.Subject
	}
	return snsEvent{[]snsRecord{{
		EventSource:          "aws:sns",
		EventVersion:         "1.0",
		EventSubscriptionARN: subscription,
		SNS: snsEntity{
			Type:             "Notification",
			MessageID:        m.draw.uuid(),
			TopicARN:         topic,
			Subject:          subject,
			Message:          m.Body[0],
			Timestamp:        m.timestamp(),
			SignatureVersion: "1",
			Signature:        m.draw.base64(256),
			SigningCertURL:   host + "SimpleNotificationService-" + m.draw.hex(16) + ".pem",
			UnsubscribeURL:   host + "?Action=Unsubscribe&SubscriptionArn=" + subscription,
		},
	}}}
}
