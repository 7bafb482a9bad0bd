package envelope

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/queue"
)

// FromLambda is the document that a queue would have got in place of a function's event:
// what a dead-letter queue gets (Amazon SNS Developer Guide, "Amazon SNS dead-letter
// queues"). It has a signature, or a placeholder, as the event has. fault.Invalid when the
// event is not one of Draft.Lambda.
func FromLambda(event []byte) ([]byte, error) {
	var e struct {
		Records []struct {
			EventSubscriptionArn string
			Sns                  struct {
				MessageId, SequenceNumber, TopicArn, Subject, Message, SignatureVersion, Signature, SigningCertUrl, UnsubscribeUrl string

				Timestamp         time.Time
				Replayed          bool
				MessageAttributes map[string]struct{ Type, Value string }
			}
		}
	}
	if err := json.Unmarshal(event, &e); err != nil || len(e.Records) != 1 {
		return nil, fault.New(fault.Invalid, "not the event of a message")
	}
	r := e.Records[0]
	n := Notification{
		MessageID: r.Sns.MessageId, TopicARN: r.Sns.TopicArn, Subject: r.Sns.Subject, Message: r.Sns.Message, Timestamp: r.Sns.Timestamp,
		SequenceNumber: r.Sns.SequenceNumber, Replayed: r.Sns.Replayed, SignatureVersion: r.Sns.SignatureVersion, CertURL: r.Sns.SigningCertUrl,
	}
	n.BaseURL, _, _ = strings.Cut(r.Sns.UnsubscribeUrl, unsubscribeLink)
	for _, name := range slices.Sorted(maps.Keys(r.Sns.MessageAttributes)) {
		a := r.Sns.MessageAttributes[name]
		value := []byte(a.Value)
		if kind, _, _ := strings.Cut(a.Type, "."); kind == "Binary" {
			var err error
			if value, err = base64.StdEncoding.DecodeString(a.Value); err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "reading a binary attribute")
			}
		}
		n.Attributes = append(n.Attributes, queue.Attribute{Name: name, DataType: a.Type, Value: value})
	}
	body := NewDraft(n).Body(r.EventSubscriptionArn)
	if s := r.Sns.Signature; len(s) == SignatureSize { // it is of the same text
		body = []byte(strings.Replace(string(body), prettyUnsigned, strings.Replace(prettyUnsigned, placeholder, s, 1), 1))
	}
	return body, nil
}
