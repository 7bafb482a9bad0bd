package s3

import (
	"encoding/json"

	"millrace/runtime/fault"
	"millrace/runtime/object"
)

// The names of documents that a bucket stores and returns, and that have no effect. They
// stand in records: they stay.
const (
	lifecycleDocument   = "Lifecycle"
	websiteDocument     = "Website"
	loggingDocument     = "Logging"
	accelerateDocument  = "Accelerate"
	paymentDocument     = "RequestPayment"
	replicationDocument = "Replication"
)

// setDocument keeps a document in a bucket's settings. A nil one is removed.
func setDocument[T any](settings *object.Settings, name string, document *T) error {
	changed := map[string]json.RawMessage{}
	for other, text := range settings.Documents {
		if other != name {
			changed[other] = text
		}
	}
	if document != nil {
		text, err := json.Marshal(document)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "storing the %s configuration", name)
		}
		changed[name] = text
	}
	settings.Documents = changed
	return nil
}

// documentIn reads a document from a bucket's settings; nil if it has none.
func documentIn[T any](settings *object.Settings, name string) (*T, error) {
	text := settings.Documents[name]
	if text == nil {
		return nil, nil
	}
	document := new(T)
	if err := json.Unmarshal(text, document); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the %s configuration", name)
	}
	return document, nil
}
