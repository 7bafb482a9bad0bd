package wire_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"millrace/services/internal/wire"
	"millrace/services/internal/wire/wiretest/cloudwatch"
)

// TestCBORSnapshots reads what AWS's client writes, and is expected to read, with
// every member filled in: the snapshots of aws-sdk-go-v2 service/cloudwatch
// v1.75.4. They are a fixed point beside TestClients, which follows the client.
func TestCBORSnapshots(t *testing.T) {
	n := 0
	for _, op := range cloudwatch.Service.Operations {
		answer := *op
		answer.Input, answer.NewInput = op.Output, op.NewOutput
		for kind, op := range map[string]*wire.Operation{"request": op, "response": &answer} {
			t.Run(op.Name+"/"+kind, func(t *testing.T) {
				b, err := os.ReadFile(filepath.Join("testdata", "snapshots", op.Name+"."+kind+".snap"))
				if err != nil {
					t.Fatal(err)
				}
				_, body, _ := bytes.Cut(b, []byte("\n\n"))
				if kind == "request" { // a blank line stands after the first one, too
					_, body, _ = bytes.Cut(body, []byte("\n\n"))
				}
				in := op.NewInput()
				r := &wire.Request{HTTP: httptest.NewRequest("POST", "/", nil), Body: body}
				if err := wire.Decode(wire.CBOR, op, r, in); err != nil {
					t.Fatal(err)
				}
				if missing := absent(reflect.ValueOf(in).Elem(), op.Name); len(missing) > 0 {
					t.Errorf("not read: %s", strings.Join(missing, ", "))
				}
				n++
			})
		}
	}
	if n != 26 {
		t.Errorf("%d snapshots, want 26", n)
	}
}

// absent lists the members that are nil.
func absent(v reflect.Value, path string) (all []string) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return []string{path}
		}
		return absent(v.Elem(), path)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				all = append(all, absent(v.Field(i), path+"."+f.Name)...)
			}
		}
	case reflect.Slice, reflect.Map:
		if v.IsNil() {
			return []string{path}
		}
		for _, e := range v.Seq2() {
			all = append(all, absent(e, path)...)
		}
	}
	return all
}

// TestCBORRefuses checks that a body cut short anywhere, or of the wrong form, is
// an error and nothing worse.
func TestCBORRefuses(t *testing.T) {
	op := cloudwatch.Service.Operation("ListMetrics")
	whole := "\xbf\x69Namespace\x7f\x61a\x61b\xff\x6aDimensions\x9f\xa1\x64Name\x61n\xff\x61X\x82\xf9\x3c\x00\xc1\x1a\x00\x00\x00\x00\xff"
	read := func(body string) error {
		return wire.Decode(wire.CBOR, op, &wire.Request{Body: []byte(body)}, op.NewInput())
	}
	if err := read(whole); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(whole); n++ {
		if read(whole[:n]) == nil {
			t.Errorf("%q is read", whole[:n])
		}
	}
	for rule, body := range map[string]string{
		"something after the end":        whole + "\x00",
		"a list for a structure":         "\x80",
		"a number for a text":            "\xa1\x69Namespace\x01",
		"a text that is no UTF-8":        "\xa1\x69Namespace\x61\xff",
		"a length beyond the end":        "\xa1\x69Namespace\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
		"a length that is none":          "\xa1\x69Namespace\x7c",
		"a break that nothing waits for": "\xa1\x61X\xff",
		"pieces in pieces":               "\xa1\x69Namespace\x7f\x7f\x61a\xff\xff",
		"pieces of another kind":         "\xa1\x69Namespace\x7f\x41a\xff",
		"a tag for nothing":              "\xa1\x61X\xc1",
		"too deep":                       "\xa1\x61X" + strings.Repeat("\x81", 200) + "\x00",
	} {
		if read(body) == nil {
			t.Errorf("%s is read", rule)
		}
	}
}

func TestCBORNumbers(t *testing.T) {
	op := cloudwatch.Service.Operation("PutMetricData")
	for _, tt := range []struct {
		rule, value string
		want        float64
	}{
		{"an integer", "\x18\x2a", 42},
		{"a negative integer", "\x39\x01\x00", -257},
		{"half precision", "\xf9\x3e\x00", 1.5},
		{"half precision, small", "\xf9\x80\x01", -1.0 / (1 << 24)},
		{"single precision", "\xfa\xc0\x00\x00\x00", -2},
		{"double precision", "\xfb\x40\x09\x21\xfb\x54\x44\x2d\x18", 3.141592653589793},
		{"zero", "\xf9\x00\x00", 0},
	} {
		in := op.NewInput().(*cloudwatch.PutMetricDataInput)
		body := "\xa1\x6aMetricData\x81\xa1\x65Value" + tt.value
		if err := wire.Decode(wire.CBOR, op, &wire.Request{Body: []byte(body)}, in); err != nil {
			t.Errorf("%s: %v", tt.rule, err)
		} else if got := *in.MetricData[0].Value; got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.rule, got, tt.want)
		}
	}
	for rule, value := range map[string]string{"a fraction": "\xf9\x3e\x00", "too big": "\x1a\x80\x00\x00\x00", "far too big": "\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "a text": "\x611"} {
		body := "\xa1\x6aMetricData\x81\xa1\x71StorageResolution" + value
		if wire.Decode(wire.CBOR, op, &wire.Request{Body: []byte(body)}, op.NewInput()) == nil {
			t.Errorf("%s is read as an integer", rule)
		}
	}
}
