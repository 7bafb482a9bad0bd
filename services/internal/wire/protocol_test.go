package wire_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/services/internal/wire"
	jsoncases "millrace/services/internal/wire/wiretest/json"
	querycases "millrace/services/internal/wire/wiretest/query"
	restjsoncases "millrace/services/internal/wire/wiretest/restjson"
	restxmlcases "millrace/services/internal/wire/wiretest/restxml"
)

//go:generate go run millrace/cmd/apigen -suites testdata/protocol -dir wiretest

// The protocol test cases are AWS's own, of aws-sdk-go v1.55.8 (its last
// version), models/protocol_tests. They say what a client writes for which
// parameters and what it makes of an answer. A server does the opposite: reads
// what the client wrote, and writes the answer.

var dialects = []struct {
	file     string
	protocol wire.Protocol
	service  *wire.Service
}{
	{"json", wire.AWSJSON, jsoncases.Service},
	{"query", wire.AWSQuery, querycases.Service},
	{"rest-json", wire.RestJSON, restjsoncases.Service},
	{"rest-xml", wire.RestXML, restxmlcases.Service},
}

type protocolSuite struct {
	Description string
	Cases       []protocolCase
}

type protocolCase struct {
	Given struct {
		HTTP struct{ Method, RequestURI string }
	}
	Params     any // what the client was asked to send
	Serialized struct {
		Method, URI, Body string
		Headers           map[string]string
	}
	Result   any // what the client returned
	Response struct {
		StatusCode int `json:"status_code"`
		Headers    map[string]string
		Body       string
	}
}

// notForServers are the cases that say nothing about a server, or something that
// is not so there, with the reason.
var notForServers = map[string]string{
	"input/json/1/Idempotency token auto fill":      fillsToken,
	"input/query/1/Idempotency token auto fill":     fillsToken,
	"input/rest-json/1/Idempotency token auto fill": fillsToken,
	"input/rest-xml/1/Idempotency token auto fill":  fillsToken,

	"input/rest-json/1/Structure payload":               sendsEmpty,
	"input/rest-json/2/JSON value trait":                sendsEmpty,
	"input/rest-json/2/rest-json Content-Type and body": sendsEmpty,
	"input/rest-json/4/rest-json Content-Type and body": sendsEmpty,

	"input/rest-xml/0/Header whitespace": "the client trims headers before it sends them",

	"output/json/0/Ignores extra data":                  ignores,
	"output/json/0/unmodeled non-json response payload": ignores,
	"output/json/1/unmodeled non-json response payload": ignores,
	"output/rest-json/0/Ignores extra data":             ignores,
	"output/rest-json/0/Ignores undefined output":       ignores,
	"output/json/1/Lists":                               "a list of texts holds no nulls: no model of ours has a sparse list",
	"output/query/0/Timestamp members":                  noWrapper,
	"output/query/0/Enum output":                        noWrapper,
	"output/rest-json/0/Supports header maps":           "the answer has an empty object for a body that has no members; restJson1 leaves it out",
	"output/rest-json/0/Scalar members":                 "the answer has a time in ISO 8601, which clients take too; restJson1 writes seconds",
}

const (
	fillsToken = "the client makes a token up; what arrives is like any other"
	sendsEmpty = "the client sends an empty payload for one that is absent; the wire does not tell them apart"
	noWrapper  = "the answer's members stand in no result element; every query service of AWS has one"
	ignores    = "the answer is one that a client must put up with, and no server of ours gives"
)

func readCases(t *testing.T, direction, file string) []protocolSuite {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "protocol", direction, file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var suites []protocolSuite
	if err := json.Unmarshal(b, &suites); err != nil {
		t.Fatal(err)
	}
	return suites
}

// eachCase runs the cases of a direction as subtests, and checks how many they
// are and that the exceptions are still exceptions.
func eachCase(t *testing.T, direction string, want int, run func(p wire.Protocol, s *wire.Service, op *wire.Operation, c protocolCase) error) {
	n := 0
	for _, d := range dialects {
		for i, suite := range readCases(t, direction, d.file) {
			var op *wire.Operation
			for j, c := range suite.Cases {
				n++
				if o := d.service.Operation(fmt.Sprintf("%s%dx%d", strings.ToUpper(direction[:1])+direction[1:], i, j)); o != nil {
					op = o // cases that are given the same share the first one's operation
				}
				name := fmt.Sprintf("%s/%s/%d/%s", direction, d.file, j, suite.Description)
				t.Run(name, func(t *testing.T) {
					err := run(d.protocol, d.service, op, c)
					reason, excepted := notForServers[name]
					switch {
					case err != nil && !excepted:
						t.Error(err)
					case err == nil && excepted:
						t.Errorf("passes, though %s", reason)
					}
				})
			}
		}
	}
	if n != want {
		t.Errorf("%d cases, want %d", n, want)
	}
}

func TestInputCases(t *testing.T) {
	eachCase(t, "input", 142, func(p wire.Protocol, s *wire.Service, op *wire.Operation, c protocolCase) error {
		r := httptest.NewRequest(orElse(c.Serialized.Method, orElse(c.Given.HTTP.Method, "POST")), orElse(c.Serialized.URI, "/"), strings.NewReader(c.Serialized.Body))
		for name, text := range c.Serialized.Headers {
			r.Header.Set(name, text)
		}
		req := &wire.Request{HTTP: r, Body: []byte(c.Serialized.Body)}
		if p == wire.AWSQuery {
			req.Form, _ = url.ParseQuery(c.Serialized.Body)
		}
		if p == wire.RestJSON || p == wire.RestXML {
			one := wire.Service{Operations: []*wire.Operation{op}}
			routed, labels := one.Route(r, r.URL.EscapedPath())
			if routed == nil {
				return fmt.Errorf("no route from %s %s", r.Method, r.URL)
			}
			req.Labels = labels
		}
		in := op.NewInput()
		if err := wire.Decode(p, op, req, in); err != nil {
			return err
		}
		got := plain(&wire.Member{Shape: op.Input}, reflect.ValueOf(in))
		want := withoutNulls(c.Params)
		if want == nil {
			want = map[string]any{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("read from %s %v (-want +got):\n%s", c.Serialized.URI, c.Serialized.Body, diff)
		}
		return nil
	})
}

func TestOutputCases(t *testing.T) {
	eachCase(t, "output", 61, func(p wire.Protocol, s *wire.Service, op *wire.Operation, c protocolCase) error {
		out := op.NewOutput()
		fill(&wire.Member{Shape: op.Output}, c.Result, reflect.ValueOf(out).Elem())
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/", nil)
		if err := wire.EncodeResult(w, p, s, op, &wire.Request{HTTP: r}, "request-id", out); err != nil {
			return err
		}
		got := w.Result()
		if got.StatusCode != c.Response.StatusCode {
			return fmt.Errorf("status %d, want %d", got.StatusCode, c.Response.StatusCode)
		}
		for name, text := range c.Response.Headers {
			if got.Header.Get(name) != text {
				return fmt.Errorf("header %s is %q, want %q", name, got.Header.Get(name), text)
			}
		}
		body, err := io.ReadAll(got.Body)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(meaning(c.Response.Body), meaning(string(body))); diff != "" {
			return fmt.Errorf("wrote %s (-want +got):\n%s", body, diff)
		}
		return nil
	})
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// withoutNulls leaves out what a client would: on the wire, nothing is null.
func withoutNulls(x any) any {
	if m, ok := x.(map[string]any); ok {
		for k, e := range m {
			if m[k] = withoutNulls(e); e == nil {
				delete(m, k)
			}
		}
	}
	return x
}

// plain is a value as the cases write it: structures as maps, blobs as texts,
// times as seconds.
func plain(m *wire.Member, v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch sh := m.Shape; {
	case m.JSONValue:
		var x any
		if err := json.Unmarshal([]byte(v.String()), &x); err != nil {
			return err.Error()
		}
		return x
	case sh.Kind == wire.Structure:
		out := map[string]any{}
		for i, m := range sh.Members {
			if f := v.Field(i); !f.IsNil() {
				out[m.Name] = plain(m, f)
			}
		}
		return out
	case sh.Kind == wire.List:
		out := []any{}
		for i := range v.Len() {
			out = append(out, plain(sh.Element, v.Index(i)))
		}
		return out
	case sh.Kind == wire.Map:
		out := map[string]any{}
		for k, e := range v.Seq2() {
			out[k.String()] = plain(sh.Value, e)
		}
		return out
	case sh.Kind == wire.Blob:
		return string(v.Bytes())
	case sh.Kind == wire.Timestamp:
		return float64(v.Interface().(time.Time).UnixMilli()) / 1e3
	case sh.Kind == wire.Integer || sh.Kind == wire.Long:
		return float64(v.Int())
	}
	return v.Interface()
}

// fill is the opposite of plain.
func fill(m *wire.Member, x any, v reflect.Value) {
	if x == nil {
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch sh := m.Shape; {
	case m.JSONValue:
		b, _ := json.Marshal(x) // it came out of JSON
		v.SetString(string(b))
	case sh.Kind == wire.Structure:
		for i, m := range sh.Members {
			fill(m, x.(map[string]any)[m.Name], v.Field(i))
		}
	case sh.Kind == wire.List:
		v.Set(reflect.MakeSlice(v.Type(), len(x.([]any)), len(x.([]any))))
		for i, e := range x.([]any) {
			fill(sh.Element, e, v.Index(i))
		}
	case sh.Kind == wire.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for k, e := range x.(map[string]any) {
			slot := reflect.New(v.Type().Elem()).Elem()
			fill(sh.Value, e, slot)
			v.SetMapIndex(reflect.ValueOf(k), slot)
		}
	case sh.Kind == wire.Blob:
		v.SetBytes([]byte(x.(string)))
	case sh.Kind == wire.Timestamp:
		v.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(x.(float64) * 1e3)))))
	case sh.Kind == wire.Integer || sh.Kind == wire.Long:
		v.SetInt(int64(x.(float64)))
	default:
		v.Set(reflect.ValueOf(x))
	}
}

// meaning is what a body says, whatever its order and spelling: JSON as values,
// XML as nested texts, anything else as it is.
func meaning(body string) any {
	var x any
	if json.Unmarshal([]byte(body), &x) == nil {
		return x
	}
	if x, err := elements(body); err == nil {
		return x
	}
	return body
}
