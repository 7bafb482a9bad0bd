package envelope

// What every HTTP request of SNS says. Amazon SNS Developer Guide, "HTTP/HTTPS headers".
const (
	// UserAgent is the User-Agent of requests to HTTP endpoints.
	UserAgent = "Amazon Simple Notification Service Agent"

	// DefaultContentType is the Content-Type of requests to HTTP endpoints, unless a
	// delivery policy has another one.
	DefaultContentType = "text/plain; charset=UTF-8"
)

// Headers are those of the HTTP request that carries a notification to an endpoint.
// contentType is the headerContentType of the delivery policy, "" for the default; raw
// says that the request's body is the message alone. The caller owns the map.
func (d *Draft) Headers(subscriptionARN, contentType string, raw bool) map[string]string {
	h := headers(notification, d.n.MessageID, d.n.TopicARN, subscriptionARN, contentType)
	if raw {
		h["x-amz-sns-rawdelivery"] = "true"
	}
	return h
}

func headers(kind, messageID, topicARN, subscriptionARN, contentType string) map[string]string {
	if contentType == "" {
		contentType = DefaultContentType
	}
	h := make(map[string]string, 8)
	h["Content-Type"] = contentType
	h["User-Agent"] = UserAgent
	h["x-amz-sns-message-type"] = kind
	h["x-amz-sns-message-id"] = messageID
	h["x-amz-sns-topic-arn"] = topicARN
	if subscriptionARN != "" {
		h["x-amz-sns-subscription-arn"] = subscriptionARN
	}
	return h
}
