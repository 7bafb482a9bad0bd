package sns

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"millrace/runtime/topic"
	"millrace/runtime/topic/mailbox"
)

// A Mailbox has what would have been sent by email and SMS: *mailbox.Mailbox.
type Mailbox interface {
	List(ctx context.Context, n int) ([]mailbox.Mail, error)
}

// OutboxHandler answers the last mails as a JSON array, the oldest first: as many as the
// parameter n says, 100 without one.
func OutboxHandler(mails Mailbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := 100
		if text := r.FormValue("n"); text != "" {
			var err error
			if n, err = strconv.Atoi(text); err != nil || n < 1 || n > mailbox.MaxMails {
				http.Error(w, "n is a number from 1 to "+strconv.Itoa(mailbox.MaxMails), http.StatusBadRequest)
				return
			}
		}
		all, err := mails.List(r.Context(), n)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		if all == nil {
			all = []mailbox.Mail{}
		}
		writeJSON(w, all)
	})
}

// MetricsHandler answers the counts of the topic whose ARN the parameter topic has, as a
// JSON object by the names of CloudWatch's metrics.
func MetricsHandler(topics *topic.Topics) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := topic.ParseARN(r.FormValue("topic"))
		if !ok {
			http.Error(w, "topic is the ARN of a topic", http.StatusBadRequest)
			return
		}
		if _, err := topics.Get(id); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		writeJSON(w, topics.Metrics(id))
	})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}
