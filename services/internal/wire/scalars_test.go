package wire_test

import (
	"errors"
	"math"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"millrace/services/internal/api/lambda"
	"millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
	"millrace/services/internal/wire/wiretest/cloudwatch"
)

// TestDocumentsHoldAnyScalar writes and reads the scalars at their edges.
func TestDocumentsHoldAnyScalar(t *testing.T) {
	op := mirror(cloudwatch.Service.Operation("PutMetricData"))
	in := &cloudwatch.PutMetricDataInput{Namespace: new("\x00\"\\\b\f\n\r\t\x1f\x7fé\u2028😀" + strings.Repeat("x", 70000))}
	for _, f := range []float64{0, 1.5, -1e-300, 1e300, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), 1 << 53} {
		in.MetricData = append(in.MetricData, &cloudwatch.MetricDatum{Value: &f})
	}
	for _, n := range []int32{0, 23, 24, 255, 256, 65535, 65536, math.MaxInt32, -1, -24, -25, -256, -257, math.MinInt32} {
		in.MetricData = append(in.MetricData, &cloudwatch.MetricDatum{StorageResolution: &n})
	}
	for _, ms := range []int64{0, 1, 999, -1, 1700000000123, -62135596800000} {
		in.MetricData = append(in.MetricData, &cloudwatch.MetricDatum{Timestamp: new(time.UnixMilli(ms).UTC())})
	}
	for _, p := range []wire.Protocol{wire.AWSJSON, wire.CBOR} {
		w := httptest.NewRecorder()
		r := &wire.Request{HTTP: httptest.NewRequest("POST", "/", nil)}
		if err := wire.EncodeResult(w, p, cloudwatch.Service, op, r, "id", in); err != nil {
			t.Fatal(err)
		}
		got := op.NewInput()
		r.Body = w.Body.Bytes()
		if err := wire.Decode(p, op, r, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(any(in), got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("protocol %d (-want +got):\n%s", p, diff)
		}
	}
}

func TestInvalidUTF8IsWrittenAsAReplacement(t *testing.T) {
	w := httptest.NewRecorder()
	r := &wire.Request{HTTP: httptest.NewRequest("POST", "/", nil)}
	out := &sqs.SendMessageOutput{MessageId: new("a\xffb\xc3")}
	if err := wire.EncodeResult(w, wire.AWSJSON, sqs.Service, sqs.Service.Operation("SendMessage"), r, "id", out); err != nil {
		t.Fatal(err)
	}
	if want := "{\"MessageId\":\"a\uFFFDb\uFFFD\"}"; w.Body.String() != want {
		t.Errorf("got %q, want %q", w.Body, want)
	}
}

// TestTextsThatAreNoScalars checks the refusals of forms and of the REST
// protocols' places.
func TestTextsThatAreNoScalars(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		protocol wire.Protocol
		service  *wire.Service
		op       string
		query    string
		want     string
	}{
		{"an integer of a query string", wire.RestJSON, lambda.Service, "ListFunctions", "MaxItems=many", "SerializationException: STRING_VALUE can not be converted to an Integer"},
		{"an integer that is too big", wire.RestJSON, lambda.Service, "ListFunctions", "MaxItems=2147483648", "SerializationException: STRING_VALUE can not be converted to an Integer"},
		{"an integer of a form", wire.AWSQuery, sqs.Service, "SendMessage", "DelaySeconds=1.5", "MalformedInput: STRING_VALUE can not be converted to an Integer"},
		{"a blob of a form", wire.AWSQuery, sqs.Service, "SendMessage", "MessageAttribute.1.Name=n&MessageAttribute.1.Value.BinaryValue=*", "MalformedInput: Unable to decode the base64 of a blob"},
		{"a boolean of a form", wire.AWSQuery, cloudwatch.Service, "PutMetricAlarm", "ActionsEnabled=perhaps", "MalformedInput: STRING_VALUE can not be converted to a Boolean"},
		{"a double of a form", wire.AWSQuery, cloudwatch.Service, "PutMetricAlarm", "Threshold=0x1p1", "MalformedInput: STRING_VALUE can not be converted to a Double"},
		{"a time of a form", wire.AWSQuery, cloudwatch.Service, "GetMetricData", "StartTime=now", "MalformedInput: STRING_VALUE can not be converted to a Timestamp"},
		{"a form that is too deep", wire.AWSQuery, sqs.Service, "SendMessage", "a" + strings.Repeat(".a", 200) + "=1", "MalformedInput: The request nests too deep."},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			form, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			op := tt.service.Operation(tt.op)
			err = wire.Decode(tt.protocol, op, &wire.Request{HTTP: httptest.NewRequest("GET", "/?"+tt.query, nil), Form: form}, op.NewInput())
			var e *wire.Error
			if !errors.As(err, &e) || e.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestUnimplementedNamesTheOperation(t *testing.T) {
	op := sqs.Service.Operation("PurgeQueue")
	_, err := op.Call(t.Context(), sqs.Unimplemented{}, op.NewInput())
	var e *wire.Error
	if !errors.As(err, &e) || e.Status != 501 || !strings.Contains(e.Message, "PurgeQueue") {
		t.Errorf("got %v", err)
	}
}
