package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestExampleEvent(t *testing.T) {
	text, err := os.ReadFile("event.json")
	if err != nil {
		t.Fatal(err)
	}
	var event events.SQSEvent
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	got, err := handle(t.Context(), event)
	if err != nil || len(got.BatchItemFailures) != 1 || got.BatchItemFailures[0].ItemIdentifier != event.Records[1].MessageId {
		t.Errorf("got %+v, %v; the second order is for nothing", got, err)
	}
}

func TestOrdersThatCannotBeProcessed(t *testing.T) {
	for rule, c := range map[string]struct {
		body string
		ok   bool
	}{
		"well":          {`{"id":"1","item":"gate","quantity":1}`, true},
		"nothing":       {`{"id":"1","item":"gate","quantity":0}`, false},
		"asked to fail": {`{"id":"1","quantity":1,"fail":true}`, false},
		"not JSON":      {`one gate, please`, false},
	} {
		if err := process(c.body); (err == nil) != c.ok {
			t.Errorf("%s: %v", rule, err)
		}
	}
}
