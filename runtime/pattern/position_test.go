package pattern_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"millrace/runtime/pattern"
)

// Reasons and columns as recorded from SNS by LocalStack's suite
// (tests/aws/services/sns, test_sns_filter_policy and test_sns, read 2026-11).
func TestWhereSNSRefuses(t *testing.T) {
	for _, c := range []struct {
		policy string
		reason string
		column int
	}{
		{`{"key":[["value"]]}`, "Match value must be String, number, true, false, or null", 10},
		{`{"key":[{"wrong-operator":true}]}`, "Unrecognized match type wrong-operator", 31},
		{`{"key":[{"suffix":"value","prefix":"value2"}]}`, "Only one key allowed in match expression", 37},
		{`{"key":[{"suffix":100}]}`, "suffix match pattern must be a string", 22},
		{`{"key":[{"suffix":null}]}`, "suffix match pattern must be a string", 23},
		{`{"key":[{"suffix":[]}]}`, "suffix match pattern must be a string", 20},
		{`{"key":[{"suffix":["test","test2"]}]}`, "suffix match pattern must be a string", 20},
		{`{"key":{"suffix":"value"}}`, `"suffix" must be an object or an array`, 19},
		{`{"key":{"suffix":"value","prefix":"value"}}`, `"suffix" must be an object or an array`, 19},
		{`{"key":{"not-an-operator":"value"}}`, `"not-an-operator" must be an object or an array`, 28},
		{`{"key_a":"value_one"}`, `"key_a" must be an object or an array`, 11},
		{`{"key":[{"numeric":[]}]}`, "Invalid member in numeric match: ]", 22},
		{`{"key":[{"numeric":["operator"]}]}`, "Unrecognized numeric range operator: operator", 32},
		{`{"key":[{"numeric":[1,"<="]}]}`, "Invalid member in numeric match: 1", 22},
		{`{"key":[{"numeric":["=","000"]}]}`, "Value of equals must be numeric", 26},
		{`{"key":[{"numeric":[">="]}]}`, "Value of >= must be numeric", 26},
		{`{"key":[{"numeric":["<",100,">",10]}]}`, "Too many elements in numeric expression", 30},
		{`{"key":[{"numeric":[">=",1,">",2]}]}`, "Bad numeric range operator: >", 31},
		{`{"key":[{"numeric":[">",3,"<",1]}]}`, "Bottom must be less than top", 33},
		{`{"key":[{"numeric":[">",20,"<="]}]}`, "Value of <= must be numeric", 33},
		{`{"key":[{"numeric":[">",20,30]}]}`, "Bad value in numeric range: 30", 30},
		{`{"key":[{"numeric":[">",20,"test"]}]}`, "Bad numeric range operator: test", 34},
		{`{"key":[{"numeric":[">","20","<","30"]}]}`, "Value of > must be numeric", 26},
		{`{"key":[{"numeric":[">",20,"<","30"]}]}`, "Value of < must be numeric", 33},
		{`{"key":[{"numeric":[">",20,"<",30,"<",50]}]}`, "Too many terms in numeric range expression", 36},
		{`{"key":[{"exists":null}]}`, "exists match pattern must be either true or false.", 23},
		{`{"key":[{"exists":"no"}]}`, "exists match pattern must be either true or false.", 20},
		{`{"key":[{"anything-but":{"wrong-operator":null}}]}`, "Unsupported anything-but pattern: wrong-operator", 47},
		{`{"key":[{"anything-but":{"suffix":"test"}}]}`, "Unsupported anything-but pattern: suffix", 36},
		{`{"key":[{"anything-but":{"exists":false}}]}`, "Unsupported anything-but pattern: exists", 40},
		{`{"key":[{"anything-but":{"prefix":false}}]}`, "prefix match pattern must be a string", 40},
		{`{invalidjson}`, "failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name", 3},
	} {
		want := fmt.Sprintf("\n at [Source: (String)\"%s\"; line: 1, column: %d]", c.policy, c.column)
		for _, d := range []*pattern.Dialect{pattern.SNSAttributes, pattern.SNSBody} {
			_, err := pattern.Parse(d, c.policy)
			if e, ok := errors.AsType[*pattern.Error](err); !ok || e.Reason != c.reason || e.Position != want {
				t.Errorf("%s: got %#v, want %s%s", c.policy, err, c.reason, want)
			}
		}
	}
}

// What Event Ruler and Jackson do where no recording is at hand.
func TestPositions(t *testing.T) {
	long := `{"k":"` + strings.Repeat("é", 600) + `"}`
	for _, c := range []struct{ rule, policy, reason, position string }{
		{"the first mistake of two", `{"b":"x","a":"y"}`, `"b" must be an object or an array`, `"{"b":"x","a":"y"}"; line: 1, column: 7]`},
		{"lines", "{\n \"a\": [],\n \"b\":[1]}", "Empty arrays are not allowed", "\"{\n \"a\": [],\n \"b\":[1]}\"; line: 2, column: 9]"},
		{"characters, not bytes", `{"é":[{"é":1}]}`, "Unrecognized match type é", `"{"é":[{"é":1}]}"; line: 1, column: 13]`},
		{"characters of UTF-16", `{"😀":[]}`, "Empty arrays are not allowed", `"{"😀":[]}"; line: 1, column: 9]`},
		{"500 characters are quoted", long, `"k" must be an object or an array`, `"` + long[:6+2*494] + `"[truncated 108 chars]; line: 1, column: 7]`},
		{"the root", `["a"]`, "Filter is not an object", `"["a"]"; line: 1, column: 2]`},
		{"an empty object inside", `{"a":{}}`, "Empty objects are not allowed", `"{"a":{}}"; line: 1, column: 8]`},
		{"no operator", `{"a":[{}]}`, "Match expression name not found", `"{"a":[{}]}"; line: 1, column: 9]`},
		{"a block without a slash has none", `{"a":[{"cidr":"10.0.0.0"}]}`, "Malformed CIDR, one '/' required", ""},
		{"a bad mask has none", `{"a":[{"cidr":"10.0.0.0/x"}]}`, "Malformed CIDR, mask bits must be an integer", ""},
		{"a bad address has none", `{"a":[{"cidr":"10.0/8"}]}`, "Nonstandard IP address: 10.0", ""},
		{"a limit has none", `{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`, "Filter policy can not have more than 5 keys", ""},
		{"a word", `{"a":[yes]}`, "failed to parse JSON. Unrecognized token 'yes': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", `"{"a":[yes]}"; line: 1, column: 10]`},
		{"a word that begins well", `{"a":[tree]}`, "failed to parse JSON. Unrecognized token 'tree': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", `"{"a":[tree]}"; line: 1, column: 11]`},
		{"no colon", `{"a"[]}`, "failed to parse JSON. Unexpected character ('[' (code 91)): was expecting a colon to separate field name and value", `"{"a"[]}"; line: 1, column: 6]`},
		{"no comma", `{"a":[1 2]}`, "failed to parse JSON. Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", `"{"a":[1 2]}"; line: 1, column: 10]`},
		{"no value", `{"a":]}`, "failed to parse JSON. Unexpected character (']' (code 93)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", `"{"a":]}"; line: 1, column: 7]`},
		{"no end", `{"a":[`, "failed to parse JSON. Unexpected end-of-input", `"{"a":["; line: 1, column: 7]`},
		{"out of range", `{"a":[{"numeric":["=",1e10]}]}`, "Value must be between -1.0E9 and 1.0E9, inclusive", `"{"a":[{"numeric":["=",1e10]}]}"; line: 1, column: 28]`},
		{"anything but two kinds", `{"a":[{"anything-but":["x",1]}]}`, "Inside anything-but list, either all values are number or string, mixed type is not supported", `"{"a":[{"anything-but":["x",1]}]}"; line: 1, column: 30]`},
		{"a range out of range", `{"a":[{"numeric":[">",0,"<",1e10]}]}`, "Value must be between -1.0E9 and 1.0E9, inclusive", `"{"a":[{"numeric":[">",0,"<",1e10]}]}"; line: 1, column: 34]`},
		{"anything but out of range", `{"a":[{"anything-but":1e10}]}`, "Value must be between -1.0E9 and 1.0E9, inclusive", `"{"a":[{"anything-but":1e10}]}"; line: 1, column: 27]`},
		{"anything but a list out of range", `{"a":[{"anything-but":[1,1e10]}]}`, "Value must be between -1.0E9 and 1.0E9, inclusive", `"{"a":[{"anything-but":[1,1e10]}]}"; line: 1, column: 30]`},
		{"null in numeric", `{"a":[{"numeric":[null]}]}`, "Invalid member in numeric match: null", `"{"a":[{"numeric":[null]}]}"; line: 1, column: 23]`},
		{"an array in numeric", `{"a":[{"numeric":[">",1,[]]}]}`, "Bad value in numeric range: [", `"{"a":[{"numeric":[">",1,[]]}]}"; line: 1, column: 26]`},
		{"numeric and another", `{"a":[{"numeric":["=",1],"prefix":"x"}]}`, "Too many elements in numeric expression", `"{"a":[{"numeric":["=",1],"prefix":"x"}]}"; line: 1, column: 36]`},
		{"anything but and another", `{"a":[{"anything-but":"x","prefix":"x"}]}`, "Too many elements in numeric expression", `"{"a":[{"anything-but":"x","prefix":"x"}]}"; line: 1, column: 37]`},
		{"anything but a prefix and another", `{"a":[{"anything-but":{"prefix":"x","wildcard":"y"}}]}`, "Only one key allowed in match expression", `"{"a":[{"anything-but":{"prefix":"x","wildcard":"y"}}]}"; line: 1, column: 49]`},
		{"anything but no operator", `{"a":[{"anything-but":{}}]}`, "Anything-But expression name not found", `"{"a":[{"anything-but":{}}]}"; line: 1, column: 25]`},
		{"anything but no prefix", `{"a":[{"anything-but":{"prefix":[]}}]}`, "Empty arrays are not allowed", `"{"a":[{"anything-but":{"prefix":[]}}]}"; line: 1, column: 35]`},
		{"anything but true", `{"a":[{"anything-but":[true]}]}`, "Inside anything-but list, start|null|boolean is not supported.", `"{"a":[{"anything-but":[true]}]}"; line: 1, column: 28]`},
		{"a block that is no text", `{"a":[{"cidr":10}]}`, "cidr match pattern must be a string", `"{"a":[{"cidr":10}]}"; line: 1, column: 17]`},
		{"wildcards in a row", `{"a":[{"wildcard":"a**"}]}`, "Consecutive wildcard characters at pos 2", `"{"a":[{"wildcard":"a**"}]}"; line: 1, column: 24]`},
		{"a character that no text has", "{\"a\":[\"\x01\"]}", "failed to parse JSON. invalid character '\\x01' in string literal", "\"{\"a\":[\"\x01\"]}\"; line: 1, column: 9]"},
		{"more behind it", `{"a":[1]} x`, "failed to parse JSON. trailing data after the document", `"{"a":[1]} x"; line: 1, column: 12]`},
		{"anything but an empty prefix", `{"a":[{"anything-but":{"prefix":""}}]}`, "Null prefix/suffix not allowed", `"{"a":[{"anything-but":{"prefix":""}}]}"; line: 1, column: 35]`},
	} {
		want := c.position
		if want != "" {
			want = "\n at [Source: (String)" + want
		}
		_, err := pattern.Parse(pattern.SNSBody, c.policy)
		if e, ok := errors.AsType[*pattern.Error](err); !ok || e.Reason != c.reason || e.Position != want {
			t.Errorf("%s: got %#v, want %s%s", c.rule, err, c.reason, want)
		}
	}
}
