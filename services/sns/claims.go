package sns

import "net/http"

// Claims implements gateway.Claimer: the links in messages are SNS's. They say neither a
// version nor a service, and nobody signs them.
func (*Service) Claims(r *http.Request) bool {
	if r.Method != http.MethodGet || r.URL.Path != "/" || r.URL.RawQuery == "" {
		return false
	}
	q := r.URL.Query()
	switch q.Get("Action") {
	case "ConfirmSubscription":
		return q.Has("TopicArn") && q.Has("Token")
	case "Unsubscribe":
		return q.Has("SubscriptionArn")
	}
	return false
}
