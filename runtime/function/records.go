package function

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/runtime/delivery"
	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// Sender is the name of Lambda among the senders of an outbox.
const Sender = "lambda"

// AsyncSender is Lambda as a sender of events: after a function error the next runs
// come after 1 and 2 minutes; what never reaches the function is tried again after 1
// second, doubling up to 5 minutes (Lambda developer guide, error handling for
// asynchronous invocation).
var AsyncSender = delivery.Sender{
	Failed:     delivery.Backoff{{First: time.Minute, Last: 2 * time.Minute}},
	Refused:    delivery.Backoff{{First: time.Second, Last: 5 * time.Minute}},
	DeadLetter: deadLetter,
	Record:     invocationRecord,
}

// deadLetter is the event itself, with attributes that say why
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq).
func deadLetter(o delivery.Outcome) delivery.Event {
	code, text := o.Reply.Status, errorMessage(o.Reply.Body)
	switch {
	case o.Err == nil && code == 0: // too old before it was tried
		code, text = 500, "The event exceeded its maximum age."
	case o.Err != nil && fault.Of(o.Err) == fault.Throttled:
		code, text = 429, "Rate Exceeded."
	case o.Err != nil && fault.Of(o.Err) == fault.NotFound:
		code, text = 404, "Function not found."
	case o.Err != nil:
		code, text = 500, "The function could not be run."
	}
	e := delivery.Event{
		Body: o.Event.Body, Source: o.Event.Source, TraceHeader: o.Event.TraceHeader, TraceParent: o.Event.TraceParent,
		Attributes: []queue.Attribute{{Name: "ErrorCode", DataType: "Number", Value: []byte(strconv.Itoa(code))}},
	}
	if text != "" { // attributes are never empty
		e.Attributes = append(e.Attributes, queue.Attribute{Name: "ErrorMessage", DataType: "String", Value: []byte(attributeText(text))})
	}
	e.Attributes = append(e.Attributes, queue.Attribute{Name: "RequestID", DataType: "String", Value: []byte(o.Event.ID)})
	return e
}

// attributeText replaces what SQS takes in no text (SendMessage): a client would find
// the digest wrong.
func attributeText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r
	}, s)
}

// An invocationResult is what destinations get, in the order in which Lambda writes it
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
type invocationResult struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID   string             `json:"requestId"`
	FunctionARN string             `json:"functionArn"`
	Condition   delivery.Condition `json:"condition"`
	InvokeCount int                `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

func invocationRecord(o delivery.Outcome) delivery.Event {
	r := invocationResult{
		Version:   "1.0",
		Timestamp: o.Ended.UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{
			RequestID: o.Event.ID, FunctionARN: recordedARN(o.To), Condition: o.Condition, InvokeCount: o.Attempts,
		},
		RequestPayload: payloadJSON(o.Event.Body),
	}
	if o.Condition == delivery.Rejected { // Lambda has no name for it
		r.RequestContext.Condition = delivery.RetriesExhausted
	}
	if o.Err == nil && o.Reply.Status != 0 {
		r.ResponseContext = &responseContext{o.Reply.Status, o.Reply.Version, o.Reply.Failure}
		r.ResponsePayload = payloadJSON(o.Reply.Body)
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil { // payloadJSON lets in nothing that cannot be written
		panic(err)
	}
	return delivery.Event{Body: bytes.TrimSpace(body.Bytes()), Key: recordKey(o), Source: o.Event.Source, TraceHeader: o.Event.TraceHeader, TraceParent: o.Event.TraceParent}
}

// recordKey is the key of the object that a record becomes in a bucket
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html). The
// UUID at its end is the event's own, so a record that is written twice is one object.
func recordKey(o delivery.Outcome) string {
	id, _, _ := IDFromARN(strings.TrimPrefix(o.To, invocation+":"))
	return "aws/lambda/async/" + id.Name + o.Ended.UTC().Format("/2006/01/02/2006-01-02T15.04.05-") + o.Event.ID
}

// recordedARN is the ARN of the function that an event was for: qualified, also
// when the invocation was not.
func recordedARN(to string) string {
	name := strings.TrimPrefix(to, invocation+":")
	if _, qualifier, _ := IDFromARN(name); qualifier == "" {
		name += ":" + Latest
	}
	return name
}

// payloadJSON is a payload inside a record: as it is if it is JSON, as Lambda's
// payloads are, else as a text.
func payloadJSON(b []byte) json.RawMessage {
	switch {
	case len(b) == 0:
		return json.RawMessage("null")
	case json.Valid(b) && utf8.Valid(b):
		return b
	case json.Valid(b):
		return bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	text, _ := json.Marshal(string(b))
	return text
}
