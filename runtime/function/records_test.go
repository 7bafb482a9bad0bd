package function

import (
	"encoding/json"
	"testing"
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
