package wire_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/services/internal/api/lambda"
	"millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
	"millrace/services/internal/wire/wiretest/cloudwatch"
)

// decodeJSON reads a body as the input of an operation.
func decodeJSON(s *wire.Service, op, body string) (any, error) {
	o := s.Operation(op)
	in := o.NewInput()
	return in, wire.Decode(wire.AWSJSON, o, &wire.Request{Body: []byte(body)}, in)
}

func TestJSONReads(t *testing.T) {
	for _, tt := range []struct {
		rule, body string
		want       *sqs.SendMessageInput
	}{
		{"nothing", ``, &sqs.SendMessageInput{}},
		{"null", ` null `, &sqs.SendMessageInput{}},
		{"space everywhere", " {\t\"MessageBody\"\r:\n\"b\" , \"DelaySeconds\" : 1 } ", &sqs.SendMessageInput{MessageBody: new("b"), DelaySeconds: new(int32(1))}},
		{"null is absent", `{"MessageBody":null,"MessageAttributes":{"a":null}}`, &sqs.SendMessageInput{MessageAttributes: map[string]*sqs.MessageAttributeValue{}}},
		{"of a name that comes twice, the last counts", `{"MessageBody":"1","MessageBody":"2"}`, &sqs.SendMessageInput{MessageBody: new("2")}},
		{"unknown members are passed over", `{"X":{"a":[1,-2.5e+3,"\u00e9",true,false,null,{}]},"MessageBody":"b","messagebody":"c"}`, &sqs.SendMessageInput{MessageBody: new("b")}},
		{"escapes", `{"MessageBody":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, &sqs.SendMessageInput{MessageBody: new("\"\\/\b\f\n\r\té😀")}},
		{"half a surrogate pair", `{"MessageBody":"\ud83dx\ude00"}`, &sqs.SendMessageInput{MessageBody: new("\uFFFDx\uFFFD")}},
		{"half a pair before a letter's escape", `{"MessageBody":"\ud83d\u0041"}`, &sqs.SendMessageInput{MessageBody: new("\uFFFDA")}},
		{"names may have escapes", `{"\u004dessageBody":"b"}`, &sqs.SendMessageInput{MessageBody: new("b")}},
		{"text as it is", `{"MessageBody":"é😀` + "\u2028\x7f" + `"}`, &sqs.SendMessageInput{MessageBody: new("é😀\u2028\x7f")}},
		{"a NUL", `{"MessageBody":"\u0000"}`, &sqs.SendMessageInput{MessageBody: new("\x00")}},
		{"whole numbers in any spelling", `{"DelaySeconds":1.5e1}`, &sqs.SendMessageInput{DelaySeconds: new(int32(15))}},
		{"blobs", `{"MessageAttributes":{"k":{"BinaryValue":"AP8=","BinaryListValues":["",null,"AA=="]}}}`, &sqs.SendMessageInput{
			MessageAttributes: map[string]*sqs.MessageAttributeValue{"k": {BinaryValue: []byte{0, 255}, BinaryListValues: [][]byte{{}, {0}}}},
		}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, err := decodeJSON(sqs.Service, "SendMessage", tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(any(tt.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSONRefuses(t *testing.T) {
	const structure = "Start of structure or map found where not expected."
	for _, tt := range []struct{ rule, body, want string }{
		{"no end", `{"MessageBody":"b"`, ""},
		{"something after the end", `{} {}`, ""},
		{"a comma too many", `{"MessageBody":"b",}`, ""},
		{"no comma", `{"MessageBody":"b" "DelaySeconds":1}`, ""},
		{"no colon", `{"MessageBody" "b"}`, ""},
		{"a name without quotes", `{MessageBody:"b"}`, ""},
		{"single quotes", `{'MessageBody':"b"}`, ""},
		{"a word that is none", `{"MessageBody":nul}`, ""},
		{"a control character", "{\"MessageBody\":\"\n\"}", ""},
		{"a control character after an escape", "{\"MessageBody\":\"\\t\n\"}", ""},
		{"an escape that is none", `{"MessageBody":"\x"}`, ""},
		{"half an escape", `{"MessageBody":"\u00`, ""},
		{"no UTF-8", "{\"MessageBody\":\"\xff\"}", "Invalid UTF-8"},
		{"no UTF-8, beside an escape", "{\"MessageBody\":\"\\t\xff\"}", "Invalid UTF-8"},
		{"a number with a zero before it", `{"DelaySeconds":01}`, ""},
		{"a number with a plus", `{"DelaySeconds":+1}`, ""},
		{"a number with a bare point", `{"DelaySeconds":1.}`, ""},
		{"a text for a number", `{"DelaySeconds":"1"}`, "STRING_VALUE can not be converted to an Integer"},
		{"true for a number", `{"DelaySeconds":true}`, "TRUE_VALUE can not be converted to an Integer"},
		{"a number for a text", `{"MessageBody":1}`, "NUMBER_VALUE can not be converted to a String"},
		{"false for a text", `{"MessageBody":false}`, "FALSE_VALUE can not be converted to a String"},
		{"a structure for a text", `{"MessageBody":{}}`, structure},
		{"a list for a text", `{"MessageBody":[]}`, structure},
		{"a list for a structure", `[]`, structure},
		{"a text for a structure", `"{}"`, "Unexpected field type"},
		{"a structure for a number", `{"DelaySeconds":{}}`, structure},
		{"a fraction for an integer", `{"DelaySeconds":1.5}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"a number that is too big", `{"DelaySeconds":2147483648}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"a number that is far too big", `{"DelaySeconds":1e999}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"no base64", `{"MessageAttributes":{"k":{"BinaryValue":"*"}}}`, "Unable to decode the base64 of a blob"},
		{"base64 without its end", `{"MessageAttributes":{"k":{"BinaryValue":"AP8"}}}`, "Unable to decode the base64 of a blob"},
		{"base64 in lines", `{"MessageAttributes":{"k":{"BinaryListValues":["AA=\n="]}}}`, "Unable to decode the base64 of a blob"},
		{"too deep", `{"X":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "The request nests too deep."},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			_, err := decodeJSON(sqs.Service, "SendMessage", tt.body)
			var e *wire.Error
			if !errors.As(err, &e) || e.Code != "SerializationException" || e.Status != 400 || e.Message != tt.want {
				t.Errorf("got %v, want SerializationException: %s", err, tt.want)
			}
		})
	}
}

func TestJSONNumbersAndTimes(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 30, 15, 250e6, time.UTC)
	for _, tt := range []struct {
		rule, body string
		want       float64
		at         time.Time
	}{
		{"seconds", `{"Value":-0.5,"Timestamp":1709209815.25}`, -0.5, at},
		{"ISO 8601", `{"Value":1e-7,"Timestamp":"2024-02-29T12:30:15.250Z"}`, 1e-7, at},
		{"ISO 8601 elsewhere", `{"Value":3,"Timestamp":"2024-02-29T14:30:15.25+02:00"}`, 3, at},
		{"as in headers", `{"Value":"Infinity","Timestamp":"Thu, 29 Feb 2024 12:30:15 GMT"}`, math.Inf(1), at.Truncate(time.Second)},
		{"before the epoch", `{"Value":"-Infinity","Timestamp":-1}`, math.Inf(-1), time.Unix(-1, 0).UTC()},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			in, err := decodeJSON(cloudwatch.Service, "PutMetricData", `{"MetricData":[`+tt.body+`]}`)
			if err != nil {
				t.Fatal(err)
			}
			got := in.(*cloudwatch.PutMetricDataInput).MetricData[0]
			if *got.Value != tt.want || !got.Timestamp.Equal(tt.at) {
				t.Errorf("got %v at %v, want %v at %v", *got.Value, got.Timestamp, tt.want, tt.at)
			}
		})
	}
	for _, body := range []string{`{"Value":"one"}`, `{"Value":1e999}`, `{"Timestamp":"yesterday"}`, `{"Timestamp":1e18}`, `{"Timestamp":"NaN"}`, `{"Timestamp":true}`} {
		if _, err := decodeJSON(cloudwatch.Service, "PutMetricData", `{"MetricData":[`+body+`]}`); err == nil {
			t.Errorf("%s is read", body)
		}
	}
}

// TestLambdaErrorBodies checks the dialect of Lambda: Type in the body, and
// Message in capitals where the model has it so.
func TestLambdaErrorBodies(t *testing.T) {
	throttled := lambda.ErrTooManyRequestsException("Rate Exceeded.")
	throttled.Fields = map[string]any{"Reason": "ConcurrentInvocationLimitExceeded", "Retry-After": 2}
	for _, tt := range []struct {
		rule   string
		err    *wire.Error
		header string
		want   string
	}{
		{"Message", lambda.ErrResourceNotFoundException("m"), "x-amzn-ErrorType", `ResourceNotFoundException {"Message":"m","Type":"User"}`},
		{"message", lambda.ErrInvalidParameterValueException("m"), "x-amzn-ErrorType", `InvalidParameterValueException {"message":"m","Type":"User"}`},
		{"the service's fault", lambda.ErrServiceException("m"), "x-amzn-ErrorType", `ServiceException {"Message":"m","Type":"Service"}`},
		{"no shape, no type", &wire.Error{Code: "ValidationException", Status: 400, Message: "m"}, "x-amzn-ErrorType", `ValidationException {"message":"m"}`},
		{"a member that is a header", throttled, "Retry-After", `2 {"message":"Rate Exceeded.","Reason":"ConcurrentInvocationLimitExceeded","Type":"User"}`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := answerError(wire.RestJSON, lambda.Service, tt.err)
			if got := w.Header().Get(tt.header) + " " + w.Body.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
