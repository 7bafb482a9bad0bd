package conformance

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// refused sends a request in both protocols: each must answer with the error,
// under its own name for it.
func (r raw) refused(t *testing.T, rule, op, in, code, text string, status int) {
	t.Helper()
	got := r.json(op, in)
	var e struct{ Type, Message string }
	if err := json.Unmarshal([]byte(strings.Replace(got.body, "__type", "type", 1)), &e); err != nil {
		t.Errorf("%s: %v in %s", rule, err, got.body)
	}
	wantEqual(t, rule+", status", got.status, status)
	wantEqual(t, rule+", code", got.header.Get("X-Amzn-Query-Error"), code+";Sender")
	wantEqual(t, rule+", shape", e.Type, qualified(shape(code)))
	wantEqual(t, rule+", text", e.Message, text)

	got = r.post("/", asForm(t, op, in))
	var x struct {
		Error struct{ Type, Code, Message string }
	}
	if err := xml.Unmarshal([]byte(got.body), &x); err != nil {
		t.Errorf("%s as a form: %v in %s", rule, err, got.body)
	}
	wantEqual(t, rule+" as a form, status", got.status, status)
	wantEqual(t, rule+" as a form, code", x.Error.Code, code)
	wantEqual(t, rule+" as a form, side", x.Error.Type, "Sender")
	wantEqual(t, rule+" as a form, text", x.Error.Message, text)
}

// flat are the names that lists and maps of SQS have in forms, an element each.
var flat = map[string]string{
	"Attributes": "Attribute", "MessageAttributes": "MessageAttribute", "MessageSystemAttributes": "MessageSystemAttribute", "Tags": "Tag", "tags": "Tag",
	"TagKeys": "TagKey", "AttributeNames": "AttributeName", "MessageAttributeNames": "MessageAttributeName", "MessageSystemAttributeNames": "MessageSystemAttributeName",
	"AWSAccountIds": "AWSAccountId", "Actions": "ActionName", "StringListValues": "StringListValue", "BinaryListValues": "BinaryListValue",
}

// asForm writes a JSON request in the query protocol.
func asForm(t *testing.T, op, in string) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(in))
	dec.UseNumber()
	var members map[string]any
	if err := dec.Decode(&members); err != nil {
		t.Fatalf("%s %s: %v", op, in, err)
	}
	out := url.Values{"Action": {op}}
	flatten(out, op, "", members)
	return out.Encode()
}

func flatten(out url.Values, op, prefix string, members map[string]any) {
	for name, v := range members {
		one := flat[name]
		if name == "Entries" {
			one = op + "RequestEntry"
		}
		switch v := v.(type) {
		case []any:
			for i, e := range v {
				at := fmt.Sprintf("%s%s.%d", prefix, one, i+1)
				if entry, ok := e.(map[string]any); ok {
					flatten(out, op, at+".", entry)
				} else {
					out.Set(at, fmt.Sprint(e))
				}
			}
		case map[string]any:
			key := "Name"
			if one == "Tag" {
				key = "Key"
			}
			for i, k := range slices.Sorted(maps.Keys(v)) {
				at := fmt.Sprintf("%s%s.%d.", prefix, one, i+1)
				out.Set(at+key, k)
				if value, ok := v[k].(map[string]any); ok {
					flatten(out, op, at+"Value.", value)
				} else {
					out.Set(at+"Value", fmt.Sprint(v[k]))
				}
			}
		default:
			out.Set(prefix+name, fmt.Sprint(v))
		}
	}
}
