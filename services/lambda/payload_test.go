package lambda

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"millrace/services/internal/identity"
)

func TestComplaintsAboutPayloads(t *testing.T) {
	for _, c := range []struct{ rule, payload, want string }{
		{"a bare word", `test`, "Unrecognized token 'test': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"},
		{"single quotes", `'test'`, "Unexpected character (''' (code 39)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"},
		{"a key without quotes", `{c:1}`, "Unexpected character ('c' (code 99)): was expecting double-quote to start field name"},
		{"no comma in an object", `{"a":1 "b":2}`, `Unexpected character ('"' (code 34)): was expecting comma to separate Object entries`},
		{"no comma in an array", `[1 2]`, "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries"},
		{"no colon", `{"a" 1}`, "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value"},
		{"no end", `{"a":`, "Unexpected end-of-input"},
		{"a byte that no UTF-8 has", "[\"\xff\"]", "Invalid UTF-8 start byte 0xff\n"},
		{"a letter in Latin-1", "\"caf\xe9\"", "Invalid UTF-8 middle byte 0x22\n"},
		{"the place", "{\n  c", "Unexpected character ('c' (code 99)): was expecting double-quote to start field name\n" +
			" at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 2, column: 3]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := complaint([]byte(c.payload)); !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func FuzzPayload(f *testing.F) {
	for _, s := range []string{`{}`, `test`, `{c`, "\xff", "\"\xe9", "\"\xe9\"", "\"\xc0\x80\"", `"\ud800`, "1 2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := payload(b, 1<<20, "InvokeFunction")
		if (err == nil) != (json.Valid(got) && utf8.Valid(got)) {
			t.Errorf("%q: %q, %v", b, got, err)
		}
	})
}

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"f", "f:1", "function:f", "000000000000:function:f:$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:f:a"} {
		f.Add(s)
	}
	ctx := identity.With(context.Background(), &identity.Caller{Account: "000000000000", Region: "us-east-1"})
	f.Fuzz(func(t *testing.T, name string) {
		r, err := parseName(ctx, &name, nil)
		if err != nil {
			return
		}
		whole := r.String()
		if again, err := parseName(ctx, &whole, nil); err != nil || again != r {
			t.Errorf("%q is %+v, but its ARN %s is %+v, %v", name, r, whole, again, err)
		}
	})
}
