package wire_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
	"millrace/services/internal/wire/wiretest/cloudwatch"
	"millrace/services/internal/wire/wiretest/restxml"
)

// What strangers send must never break a codec. What a codec has read, it must
// write and read again as the same, and services must find no nil in a list or
// a map.

func FuzzJSON(f *testing.F) {
	f.Add([]byte(sendMessage))
	f.Add([]byte(`{"DelaySeconds":-1e2,"X":[{"a":null}],"MessageAttributes":{"\ud83d\ude00":{"BinaryListValues":["AA==",null],"StringListValues":[]}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if read := roundTrip(t, wire.AWSJSON, mirror(sqs.Service.Operation("SendMessage")), body); read && len(body) > 0 && !json.Valid(body) {
			t.Error("what is read is no JSON")
		}
	})
}

func FuzzCBOR(f *testing.F) {
	f.Add([]byte("\xbf\x6aMetricData\x9f\xa3\x65Value\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00\x69Timestamp\xc1\x1a\x65\x00\x00\x00\x66Values\x82\xf9\x3c\x00\x20\xff\xff"))
	f.Add([]byte("\xa2\x69Namespace\x7f\x61a\x61b\xff\x61X\xd8\x20\x81\x5f\x41\x00\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		roundTrip(t, wire.CBOR, mirror(cloudwatch.Service.Operation("PutMetricData")), body)
	})
}

func FuzzXML(f *testing.F) {
	f.Add([]byte(`<a xmlns="https://foo/"><SubStructure><Foo>a&#xD;</Foo><Bar/></SubStructure><Description><![CDATA[<b>]]></Description></a>`))
	f.Add([]byte(`<?xml version="1.0"?><a><RecursiveStruct><RecursiveMap><entry><key>k</key></entry></RecursiveMap><RecursiveList><member/></RecursiveList></RecursiveStruct></a>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, name := range []string{"Input2x0", "Input22x0"} {
			roundTrip(t, wire.RestXML, mirror(restxml.Service.Operation(name)), body)
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add("MessageBody=b&MessageAttribute.1.Name=k&MessageAttribute.1.Value.BinaryListValue.2=AA==&MessageAttribute.2.Name=l")
	f.Add("SendMessageBatchRequestEntry.3.Id=a&SendMessageBatchRequestEntry.-1.Id=b&SendMessageBatchRequestEntry.01.Id=c&SendMessageBatchRequestEntry=d")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for _, op := range sqs.Service.Operations {
			in := op.NewInput()
			if wire.Decode(wire.AWSQuery, op, &wire.Request{Form: form}, in) == nil {
				noNils(t, reflect.ValueOf(in))
			}
		}
	})
}

// mirror is an operation that answers with its input.
func mirror(op *wire.Operation) *wire.Operation {
	return &wire.Operation{Name: op.Name, Input: op.Input, Output: op.Input, NewInput: op.NewInput}
}

// roundTrip reports whether a body is read. If so, it is written and read again.
func roundTrip(t *testing.T, p wire.Protocol, op *wire.Operation, body []byte) bool {
	t.Helper()
	r := &wire.Request{HTTP: httptest.NewRequest("POST", "/", nil), Body: body}
	in := op.NewInput()
	if wire.Decode(p, op, r, in) != nil {
		return false
	}
	noNils(t, reflect.ValueOf(in))
	w := httptest.NewRecorder()
	if err := wire.EncodeResult(w, p, &wire.Service{}, op, r, "id", in); err != nil {
		t.Fatal(err)
	}
	again := op.NewInput()
	r.Body = w.Body.Bytes()
	if err := wire.Decode(p, op, r, again); err != nil {
		t.Fatalf("%s is not read: %v", r.Body, err)
	}
	if diff := cmp.Diff(in, again, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("by way of %q (-first +second):\n%s", r.Body, diff)
	}
	return true
}

// noNils looks for nils in lists and maps.
func noNils(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			noNils(t, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				noNils(t, v.Field(i))
			}
		}
	case reflect.Slice, reflect.Map:
		for _, e := range v.Seq2() {
			if e.Kind() == reflect.Pointer && e.IsNil() {
				t.Errorf("a nil in a %s", v.Type())
			}
			noNils(t, e)
		}
	}
}
