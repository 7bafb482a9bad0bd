package sqs

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"millrace/runtime/queue"
	"millrace/services/internal/identity"
	"millrace/services/internal/kit"
)

// A shownMessage is what the developer's view shows of one: ReceiveMessage's answer
// with all attributes, without a receipt handle, and where the message is.
type shownMessage struct {
	MessageID              string                    `json:"MessageId"`
	MD5OfBody              string                    `json:"MD5OfBody"`
	Body                   string                    `json:"Body"`
	Attributes             map[string]string         `json:"Attributes,omitempty"`
	MD5OfMessageAttributes string                    `json:"MD5OfMessageAttributes,omitempty"`
	MessageAttributes      map[string]shownAttribute `json:"MessageAttributes,omitempty"`
	State                  string                    `json:"State"`               // visible, inflight or delayed
	VisibleAt              *time.Time                `json:"VisibleAt,omitempty"` // when it will be visible, if it is not
}

type shownAttribute struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// mostShown is how many messages the view shows at most.
const mostShown = 1000

// MessagesHandler is the developer's view that AWS lacks: the messages of a
// queue, oldest first, without receiving them. No counter moves, and none is
// hidden.
//
//	GET /_runtime/sqs/messages?QueueUrl=…   {"Messages":[…]}
//
// ShowInvisible=true adds those in flight, ShowDelayed=true those not visible
// yet, and MaxMessages (1 to 1000) says how many there may be. QueueUrl is any
// form that the operations take; a queue by its name alone is looked for in the
// given account and region.
func (s *Service) MessagesHandler(account, region string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			show(w, http.StatusMethodNotAllowed, map[string]string{"message": "only GET looks at messages"})
			return
		}
		query := r.URL.Query()
		id, ok := parseURL(identity.Caller{Account: account, Region: region}, query.Get("QueueUrl"))
		q, err := s.queues.Get(id)
		if !ok || err != nil {
			show(w, http.StatusNotFound, map[string]string{"message": "the queue of QueueUrl does not exist"})
			return
		}
		req := queue.PeekRequest{Invisible: query.Get("ShowInvisible") == "true", Delayed: query.Get("ShowDelayed") == "true"}
		if text := query.Get("MaxMessages"); text != "" {
			if req.Max, err = strconv.Atoi(text); err != nil || req.Max < 1 || req.Max > mostShown {
				show(w, http.StatusBadRequest, map[string]string{"message": "MaxMessages is a number from 1 to 1000"})
				return
			}
		}
		seen, err := q.Peek(r.Context(), req)
		if err != nil {
			show(w, http.StatusServiceUnavailable, map[string]string{"message": "the messages could not be read"})
			return
		}
		all := make([]shownMessage, len(seen))
		for i, m := range seen {
			all[i] = shown(m)
		}
		show(w, http.StatusOK, map[string]any{"Messages": all})
	})
}

func shown(m queue.PeekedMessage) shownMessage {
	every := []string{"All"}
	full := answer(&m.ReceivedMessage, every, every)
	out := shownMessage{
		MessageID: *full.MessageId, MD5OfBody: *full.MD5OfBody, Body: *full.Body, Attributes: full.Attributes,
		MD5OfMessageAttributes: kit.Value(full.MD5OfMessageAttributes), State: m.State,
	}
	if m.Receives == 0 {
		delete(out.Attributes, "ApproximateFirstReceiveTimestamp")
	}
	if !m.VisibleAt.IsZero() {
		out.VisibleAt = new(m.VisibleAt.UTC())
	}
	for name, a := range full.MessageAttributes {
		if out.MessageAttributes == nil {
			out.MessageAttributes = map[string]shownAttribute{}
		}
		out.MessageAttributes[name] = shownAttribute{*a.DataType, a.StringValue, a.BinaryValue}
	}
	return out
}

func show(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // the client may be gone; nobody is left to tell
}
