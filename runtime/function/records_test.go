package function

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"millrace/runtime/delivery"
)

// What a function answers may be anything; what a queue gets of it is text that its
// clients can read, and whose digests they find right.
func TestRecordsAndDeadLettersAreText(t *testing.T) {
	for answer, message := range map[string]string{
		"\"\xff\"":                          "\"\ufffd\"",
		"\xff\x00":                          "\ufffd\ufffd",
		`{"errorMessage":"a\u0000b\nc"}`:    "a\ufffdb\nc",
		`{"errorMessage":"\uffff 😀 <&> ü"}`: "\ufffd 😀 <&> ü",
	} {
		o := delivery.Outcome{
			To: "invocation:arn:aws:lambda:us-east-1:000000000000:function:f", Event: delivery.Event{ID: "r", Body: []byte("{}")},
			Reply: delivery.Reply{Status: 200, Failure: "Unhandled", Body: []byte(answer)},
		}
		if got := string(deadLetter(o).Attributes[1].Value); got != message {
			t.Errorf("%q: ErrorMessage is %q, want %q", answer, got, message)
		}
		if record := invocationRecord(o).Body; !utf8.Valid(record) || !json.Valid(record) {
			t.Errorf("%q: the record is %q", answer, record)
		}
	}
}

// A bucket gets a record as the object that AWS names so.
func TestRecordsHaveTheKeysOfObjects(t *testing.T) {
	o := delivery.Outcome{
		To: "invocation:arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST", Ended: time.Date(2026, 11, 27, 9, 8, 7, 6, time.UTC),
		Event: delivery.Event{ID: "5c2cbd41-fa8d-4b1e-9a4c-2f4f7a1f6a3e"},
	}
	const want = "aws/lambda/async/orders/2026/11/27/2026-11-27T09.08.07-5c2cbd41-fa8d-4b1e-9a4c-2f4f7a1f6a3e"
	if got := invocationRecord(o).Key; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
