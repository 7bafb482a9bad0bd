package pattern_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/pattern"
)

// compile reads patterns for an SQS payload.
func compile(t *testing.T, patterns ...string) *pattern.Filter {
	t.Helper()
	f, err := pattern.CompileFilter("body", patterns)
	if err != nil {
		t.Fatalf("compiling %s: %v", patterns, err)
	}
	return f
}

// The rules marked AWS were recorded from EventBridge's TestEventPattern by
// LocalStack's suite (tests/aws/services/events/event_pattern_templates, read
// 2026-11); the others follow AWS's guides and the open Event Ruler.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		rule    string
		pattern string // for the body
		body    string
		want    bool
	}{
		{"a string matches itself", `{"a":["x"]}`, `{"a":"x"}`, true},
		{"a string matches nothing else", `{"a":["x"]}`, `{"a":"y"}`, false},
		{"case counts", `{"a":["x"]}`, `{"a":"X"}`, false},
		{"items of an array are alternatives", `{"a":["x","y"]}`, `{"a":"y"}`, true},
		{"different fields must all hold", `{"a":["x"],"b":["y"]}`, `{"a":"x","b":"z"}`, false},
		{"other fields do not matter", `{"a":["x"]}`, `{"a":"x","b":1}`, true},
		{"a missing field matches nothing", `{"a":["x"]}`, `{}`, false},
		{"the empty string is a value", `{"a":[""]}`, `{"a":""}`, true},
		{"the empty string is not null", `{"a":[""]}`, `{"a":null}`, false},
		{"null matches null", `{"a":[null]}`, `{"a":null}`, true},
		{"null does not match a missing field", `{"a":[null]}`, `{}`, false},
		{"true is not false", `{"a":[true]}`, `{"a":false}`, false},
		{"true is no text (AWS)", `{"a":[true]}`, `{"a":"true"}`, false},
		{"objects nest", `{"a":{"b":{"c":["x"]}}}`, `{"a":{"b":{"c":"x"}}}`, true},
		{"a leaf does not match an object", `{"a":["x"]}`, `{"a":{"b":"x"}}`, false},
		{"an object does not match a leaf", `{"a":{"b":["x"]}}`, `{"a":"x"}`, false},
		{"the last of two equal keys counts", `{"a":["x"],"a":["y"]}`, `{"a":"y"}`, true},
		{"the last of two equal keys counts in the body", `{"a":["y"]}`, `{"a":"x","a":"y"}`, true},

		{"an integer matches itself", `{"a":[300]}`, `{"a":300}`, true},
		{"a literal number matches by value (AWS)", `{"a":[300]}`, `{"a":300.0}`, true},
		{"a big literal number matches by text", `{"a":[123456789012]}`, `{"a":123456789012}`, true},
		{"a big literal number matches by text alone", `{"a":[123456789012]}`, `{"a":123456789012.0}`, false},
		{"a number is no text", `{"a":[300]}`, `{"a":"300"}`, false},

		{"a prefix", `{"a":[{"prefix":"or"}]}`, `{"a":"order"}`, true},
		{"no prefix", `{"a":[{"prefix":"or"}]}`, `{"a":"for"}`, false},
		{"a prefix of texts alone", `{"a":[{"prefix":"1"}]}`, `{"a":12}`, false},
		{"a prefix in any case", `{"a":[{"prefix":{"equals-ignore-case":"OR"}}]}`, `{"a":"oRder"}`, true},
		{"a suffix", `{"a":[{"suffix":".png"}]}`, `{"a":"x.png"}`, true},
		{"no suffix", `{"a":[{"suffix":".png"}]}`, `{"a":"x.jpg"}`, false},
		{"a suffix in any case", `{"a":[{"suffix":{"equals-ignore-case":".PNG"}}]}`, `{"a":"x.png"}`, true},
		{"equal in any case", `{"a":[{"equals-ignore-case":"ALICE"}]}`, `{"a":"alice"}`, true},
		{"equal in any case, all of it", `{"a":[{"equals-ignore-case":"ALICE"}]}`, `{"a":"alices"}`, false},
		{"exactly", `{"a":[{"exactly":"x"}]}`, `{"a":"x"}`, true},

		{"anything but a text", `{"a":[{"anything-but":"x"}]}`, `{"a":"y"}`, true},
		{"anything but that text", `{"a":[{"anything-but":"x"}]}`, `{"a":"x"}`, false},
		{"anything but a list of texts", `{"a":[{"anything-but":["x","y"]}]}`, `{"a":"y"}`, false},
		{"anything but a number", `{"a":[{"anything-but":1}]}`, `{"a":2}`, true},
		{"anything but a number, by value", `{"a":[{"anything-but":1}]}`, `{"a":1.0}`, false},
		{"anything but a list of numbers", `{"a":[{"anything-but":[1,2]}]}`, `{"a":2}`, false},
		{"anything but wants the field (AWS)", `{"a":[{"anything-but":"x"}]}`, `{}`, false},
		{"anything but passes null (AWS)", `{"a":[{"anything-but":"x"}]}`, `{"a":null}`, true},
		{"anything but a prefix", `{"a":[{"anything-but":{"prefix":"in"}}]}`, `{"a":"init"}`, false},
		{"anything but a prefix passes numbers (AWS)", `{"a":[{"anything-but":{"prefix":"in"}}]}`, `{"a":12}`, true},
		{"anything but a list of prefixes (AWS)", `{"a":[{"anything-but":{"prefix":["in","te"]}}]}`, `{"a":"test"}`, false},
		{"anything but a suffix", `{"a":[{"anything-but":{"suffix":".png"}}]}`, `{"a":"x.jpg"}`, true},
		{"anything but a list of suffixes (AWS)", `{"a":[{"anything-but":{"suffix":[".png",".jpg"]}}]}`, `{"a":"x.jpg"}`, false},
		{"anything but in any case", `{"a":[{"anything-but":{"equals-ignore-case":"x"}}]}`, `{"a":"X"}`, false},
		{"anything but a list in any case", `{"a":[{"anything-but":{"equals-ignore-case":["x","y"]}}]}`, `{"a":"Y"}`, false},
		{"anything but a wildcard", `{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"dir/lib/file"}`, false},
		{"anything but a list of wildcards (AWS)", `{"a":[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}]}`, `{"a":"x/tmp/y"}`, true},
		{"anything but the empty wildcard (AWS)", `{"a":[{"anything-but":{"wildcard":""}}]}`, `{"a":"dir/init/file"}`, true},

		{"numeric equal", `{"a":[{"numeric":["=",1.5]}]}`, `{"a":15e-1}`, true},
		{"numeric above", `{"a":[{"numeric":[">",100]}]}`, `{"a":101.0}`, true},
		{"numeric above, not equal", `{"a":[{"numeric":[">",100]}]}`, `{"a":100}`, false},
		{"numeric range, inside", `{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":5}`, true},
		{"numeric range, at the open end", `{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":0}`, false},
		{"numeric range, at the closed start", `{"a":[{"numeric":[">=",0,"<",5]}]}`, `{"a":0}`, true},
		{"numeric wants a number", `{"a":[{"numeric":[">",0]}]}`, `{"a":"1"}`, false},
		{"numeric wants a number, not null (AWS)", `{"a":[{"numeric":["=",0]}]}`, `{"a":null}`, false},

		{"exists", `{"a":[{"exists":true}]}`, `{"a":1}`, true},
		{"null exists", `{"a":[{"exists":true}]}`, `{"a":null}`, true},
		{"does not exist", `{"a":[{"exists":true}]}`, `{"b":1}`, false},
		{"wanted absent, is", `{"a":[{"exists":false}]}`, `{"b":1}`, true},
		{"wanted absent, is not", `{"a":[{"exists":false}]}`, `{"a":1}`, false},
		{"absent along with its parent", `{"a":{"b":[{"exists":false}]}}`, `{}`, true},
		{"an object is no leaf that exists", `{"a":[{"exists":false}]}`, `{"a":{"b":1}}`, true},
		{"absent from every element", `{"a":{"b":[{"exists":false}]}}`, `{"a":[{"c":1},{"b":1}]}`, false},
		{"absent or something else", `{"a":[{"exists":false},"x"]}`, `{"a":"x"}`, true},

		{"any element of an array", `{"a":["x"]}`, `{"a":["w","x"]}`, true},
		{"no element of an array", `{"a":["x"]}`, `{"a":["w"]}`, false},
		{"arrays in arrays", `{"a":["x"]}`, `{"a":[["w"],["x"]]}`, true},
		{"an empty array is not null (AWS)", `{"a":[null]}`, `{"a":[]}`, false},
		{"objects in arrays", `{"a":{"b":["x"]}}`, `{"a":[{"b":"w"},{"b":"x"}]}`, true},
		{"fields of one element together", `{"a":{"b":["x"],"c":["y"]}}`, `{"a":[{"b":"x","c":"z"},{"b":"w","c":"y"}]}`, false},
		{"one element that is different will do", `{"a":[{"anything-but":"x"}]}`, `{"a":["x","y"]}`, true},

		{"one side of $or", `{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, true},
		{"no side of $or", `{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"a":"y","b":"x"}`, false},
		{"$or and a field", `{"c":["z"],"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"a":"x"}`, false},
		{"$or inside an object", `{"d":{"$or":[{"a":["x"]},{"b":["y"]}]}}`, `{"d":{"a":"x"}}`, true},
		{"$or inside $or", `{"$or":[{"a":["x"]},{"$or":[{"b":["y"]},{"c":["z"]}]}]}`, `{"c":"z"}`, true},

		{"a wildcard in the middle", `{"a":[{"wildcard":"dir/*.png"}]}`, `{"a":"dir/x.png"}`, true},
		{"a wildcard for nothing", `{"a":[{"wildcard":"dir/*.png"}]}`, `{"a":"dir/.png"}`, true},
		{"a wildcard's pieces do not overlap", `{"a":[{"wildcard":"ab*ba"}]}`, `{"a":"aba"}`, false},
		{"wildcards in order", `{"a":[{"wildcard":"*b*a*"}]}`, `{"a":"ab"}`, false},
		{"an escaped star", `{"a":[{"wildcard":"a\\**"}]}`, `{"a":"a*b"}`, true},
		{"an escaped star is a star", `{"a":[{"wildcard":"a\\*"}]}`, `{"a":"ab"}`, false},
		{"an escaped backslash", `{"a":[{"wildcard":"a\\\\*"}]}`, `{"a":"a\\b"}`, true},
		{"no wildcard, no freedom", `{"a":[{"wildcard":"ab"}]}`, `{"a":"abc"}`, false},

		{"an address in a block", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.7"}`, true},
		{"an address outside a block", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.1.7"}`, false},
		{"an IPv6 address in a block", `{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:db8::1"}`, true},
		{"no address, no match (AWS)", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"here"}`, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f := compile(t, `{"body":`+c.pattern+`}`)
			if got := f.Match([]byte(`{}`), c.body); got != c.want {
				t.Errorf("%s on %s: got %t", c.pattern, c.body, got)
			}
		})
	}
}

// TestPayload is the table of Lambda's guide on filtering by payload format.
func TestPayload(t *testing.T) {
	const record = `{"messageId":"1","body":"?","attributes":{"SentTimestamp":"15"},"messageAttributes":{"k":{"stringValue":"v","dataType":"String"}}}`
	for _, c := range []struct {
		rule, pattern, body string
		want                bool
	}{
		{"text, pattern of texts: compared", `{"body":["hello"]}`, `hello`, true},
		{"text, pattern of texts: differs", `{"body":["hello"]}`, `hello there`, false},
		{"text, pattern of operators: compared", `{"body":[{"prefix":"hello"}]}`, `hello there`, true},
		{"text, pattern of fields: dropped", `{"body":{"a":["x"]}}`, `hello`, false},
		{"text, no pattern for it: metadata alone", `{"messageId":["1"]}`, `hello`, true},
		{"JSON, pattern of fields: matched", `{"body":{"a":["x"]}}`, `{"a":"x"}`, true},
		{"JSON, pattern of texts: dropped", `{"body":["{\"a\":\"x\"}"]}`, `{"a":"x"}`, false},
		{"JSON, no pattern for it: metadata alone", `{"messageId":["2"]}`, `{"a":"x"}`, false},
		{"JSON scalars are text", `{"body":["12"]}`, `12`, true},
		{"broken JSON is text", `{"body":{"a":["x"]}}`, `{"a":"x"`, false},
		{"two JSON texts are text", `{"body":{"a":["x"]}}`, `{"a":"x"}{"a":"x"}`, false},
		{"payload and metadata together", `{"messageId":["1"],"body":{"a":["x"]}}`, `{"a":"x"}`, true},
		{"payload right, metadata wrong", `{"messageId":["2"],"body":{"a":["x"]}}`, `{"a":"x"}`, false},
		{"system attributes", `{"attributes":{"SentTimestamp":[{"prefix":"1"}]}}`, ``, true},
		{"message attributes", `{"messageAttributes":{"k":{"stringValue":["v"]}}}`, ``, true},
		{"invalid UTF-8 is dropped", `{"body":[{"exists":true}]}`, "\xff", false},
		{"payload under $or", `{"$or":[{"messageId":["2"]},{"body":{"a":["x"]}}]}`, `{"a":"x"}`, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := compile(t, c.pattern).Match([]byte(record), c.body); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestAnyPatternWillDo(t *testing.T) {
	f := compile(t, `{"body":["a"]}`, `{"body":["b"]}`)
	for body, want := range map[string]bool{"a": true, "b": true, "c": false} {
		if got := f.Match(nil, body); got != want {
			t.Errorf("%s: got %t", body, got)
		}
	}
}

func TestNoPatternsPassEverything(t *testing.T) {
	if f := compile(t); !f.Match(nil, "\xff") {
		t.Error("dropped")
	}
}

func TestInvalidPatterns(t *testing.T) {
	for _, c := range []struct{ rule, pattern string }{
		{"not JSON", `{"a":`},
		{"nothing", ``},
		{"null", `null`},
		{"an array", `["a"]`},
		{"more after the object", `{"a":["x"]} {}`},
		{"an empty object", `{}`},
		{"an empty object inside", `{"a":{}}`},
		{"an empty array (AWS)", `{"a":[]}`},
		{"a bare value", `{"a":"x"}`},
		{"an array in an array", `{"a":[["x"]]}`},
		{"an empty expression", `{"a":[{}]}`},
		{"two keys in an expression", `{"a":[{"prefix":"x","suffix":"y"}]}`},
		{"exists and another key", `{"a":[{"exists":false,"prefix":"y"}]}`},
		{"an unknown operator", `{"a":[{"like":"x"}]}`},
		{"an operator of our own making", `{"a":[{"prefix-ignore-case":"x"}]}`},
		{"prefix of a number", `{"a":[{"prefix":1}]}`},
		{"prefix of another operator", `{"a":[{"prefix":{"suffix":"x"}}]}`},
		{"equals-ignore-case of a list (AWS)", `{"a":[{"equals-ignore-case":["x"]}]}`},
		{"exists of a text", `{"a":[{"exists":"true"}]}`},
		{"anything but null", `{"a":[{"anything-but":null}]}`},
		{"anything but a list with null (AWS)", `{"a":[{"anything-but":["x",null]}]}`},
		{"anything but nothing", `{"a":[{"anything-but":[]}]}`},
		{"anything but texts and numbers", `{"a":[{"anything-but":["x",1]}]}`},
		{"anything but an empty prefix (AWS)", `{"a":[{"anything-but":{"prefix":""}}]}`},
		{"anything but an empty suffix (AWS)", `{"a":[{"anything-but":{"suffix":""}}]}`},
		{"anything but a prefix in any case (AWS)", `{"a":[{"anything-but":{"prefix":{"equals-ignore-case":"x"}}}]}`},
		{"anything but a number as prefix (AWS)", `{"a":[{"anything-but":{"prefix":1}}]}`},
		{"anything but numeric", `{"a":[{"anything-but":{"numeric":["=",1]}}]}`},
		{"numeric without operator", `{"a":[{"numeric":[1]}]}`},
		{"numeric of a text (AWS)", `{"a":[{"numeric":[">","1"]}]}`},
		{"numeric with an unknown operator (AWS)", `{"a":[{"numeric":["==",1]}]}`},
		{"numeric no array (AWS)", `{"a":[{"numeric":1}]}`},
		{"numeric range upside down", `{"a":[{"numeric":["<",5,">",0]}]}`},
		{"numeric range from top to bottom (AWS)", `{"a":[{"numeric":[">",5,"<",1]}]}`},
		{"numeric range of three", `{"a":[{"numeric":[">",0,"<",5,"<",6]}]}`},
		{"numeric out of bounds", `{"a":[{"numeric":["<",5000000001]}]}`},
		{"cidr without a slash (AWS)", `{"a":[{"cidr":"10.0.0.0"}]}`},
		{"cidr of no address (AWS)", `{"a":[{"cidr":"here/24"}]}`},
		{"cidr with a bad mask (AWS)", `{"a":[{"cidr":"10.0.0.0/xx"}]}`},
		{"wildcard of a number (AWS)", `{"a":[{"wildcard":1}]}`},
		{"consecutive wildcards (AWS)", `{"a":[{"wildcard":"a**b"}]}`},
		{"wildcard with a stray backslash", `{"a":[{"wildcard":"a\\b"}]}`},
		{"$or of one", `{"$or":[{"a":["x"]}]}`},
		{"$or of texts", `{"$or":["a","b"]}`},
		{"$or of no array", `{"$or":{"a":["x"]}}`},
		{"a reserved field in $or", `{"$or":[{"prefix":["x"]},{"a":["x"]}]}`},
		{"too long", `{"a":["` + strings.Repeat("x", pattern.MaxPattern) + `"]}`},
	} {
		t.Run(c.rule, func(t *testing.T) { refused(t, c.pattern) })
	}
	t.Run("six filters", func(t *testing.T) {
		p := `{"a":["x"]}`
		refused(t, p, p, p, p, p, p)
	})
}

func refused(t *testing.T, patterns ...string) {
	t.Helper()
	_, err := pattern.CompileFilter("body", patterns)
	if e, ok := errors.AsType[*pattern.Error](err); !ok || fault.Of(err) != fault.Invalid || e.Reason == "" {
		t.Errorf("got %v", err)
	}
}

// Whatever a stranger sends as pattern or body, compiling and matching end, and
// a pattern made of a body's own text finds that body.
func FuzzFilter(f *testing.F) {
	f.Add(`{"body":{"a":[{"anything-but":{"prefix":["x"]}},{"numeric":[">",0,"<=",5]}]}}`, `{"a":[1,{"b":null}]}`)
	f.Add(`{"$or":[{"body":["x"]},{"body":[{"wildcard":"a*\\*"}]}]}`, `plain`)
	f.Add(`{"body":{"a":{"b":[{"exists":false}]}}}`, `{"a":[{"c":1},{"b":1}]}`)
	f.Fuzz(func(t *testing.T, text, body string) {
		if c, err := pattern.CompileFilter("body", []string{text}); err == nil {
			c.Match([]byte(`{"messageId":"1"}`), body)
		}
		literal, _ := json.Marshal(map[string][]string{"body": {body}})
		c, err := pattern.CompileFilter("body", []string{string(literal)})
		if err != nil || strings.ToValidUTF8(body, "") != body {
			return
		}
		isJSON := json.Valid([]byte(body)) && strings.ContainsAny(strings.TrimSpace(body)[:1], "{[")
		if got := c.Match(nil, body); got == isJSON {
			t.Errorf("%q: got %t", body, got)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	f, err := pattern.CompileFilter("body", []string{`{"body":{"kind":["order"],"total":[{"numeric":[">",0]}]}}`})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if !f.Match(nil, `{"kind":"order","total":12.5,"lines":[{"sku":"a","n":1},{"sku":"b","n":2}]}`) {
			b.Fatal("dropped")
		}
	}
}
