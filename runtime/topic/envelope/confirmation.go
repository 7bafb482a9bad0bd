package envelope

import "time"

// A Confirmation is the document that asks an endpoint to confirm its subscription, or
// tells it that it was unsubscribed.
type Confirmation struct {
	MessageID       string // UUID
	Token           string
	TopicARN        string
	SubscriptionARN string    // of one that was unsubscribed; "" to ask for a confirmation
	Timestamp       time.Time // documents have its milliseconds, in UTC

	SignatureVersion string // as in Notification
	CertURL          string // as in Notification
	BaseURL          string // as in Notification; the SubscribeURL begins with it
}

// Type is the document's type, which its headers also have.
func (c Confirmation) Type() string {
	if c.SubscriptionARN == "" {
		return "SubscriptionConfirmation"
	}
	return "UnsubscribeConfirmation"
}

// SubscribeURL is the link that confirms the subscription when it is visited.
func (c Confirmation) SubscribeURL() string {
	return c.BaseURL + "/?Action=ConfirmSubscription&TopicArn=" + c.TopicARN + "&Token=" + c.Token
}

// Body is the document. Finish signs it.
func (c Confirmation) Body() []byte {
	message := "You have chosen to subscribe to the topic " + c.TopicARN +
		".\nTo confirm the subscription, visit the SubscribeURL included in this message."
	if c.SubscriptionARN != "" {
		message = "You have chosen to deactivate subscription " + c.SubscriptionARN +
			".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
	}
	w := writer{style: pretty}
	w.member("Type", c.Type())
	w.member("MessageId", c.MessageID)
	w.member("Token", c.Token)
	w.member("TopicArn", c.TopicARN)
	w.member("Message", message)
	w.member("SubscribeURL", c.SubscribeURL())
	w.member("Timestamp", timestamp(c.Timestamp))
	if c.CertURL != "" {
		w.signature(c.SignatureVersion, "SigningCertURL", c.CertURL)
	}
	w.end()
	return w.buf
}

// Headers are those of the HTTP request that carries the document.
func (c Confirmation) Headers() map[string]string {
	return headers(c.Type(), c.MessageID, c.TopicARN, c.SubscriptionARN, "")
}
