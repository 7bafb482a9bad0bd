package pattern_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/pattern"
)

func TestWhatDialectsRefuse(t *testing.T) {
	six := `{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`
	long := func(n int) string { return `{"a":["` + strings.Repeat("x", n) + `"]}` }
	values := func(n int) string { return strings.TrimSuffix(strings.Repeat("1,", n), ",") }
	for _, c := range []struct {
		rule    string
		dialect *pattern.Dialect
		text    string
		want    string // "" when it is fine
	}{
		{"suffix inside anything-but", pattern.EventBridge, `{"a":[{"anything-but":{"suffix":"x"}}]}`, ""},
		{"suffix inside anything-but", pattern.SNSBody, `{"a":[{"anything-but":{"suffix":"x"}}]}`, "Unsupported anything-but pattern: suffix"},
		{"prefix inside anything-but", pattern.SNSBody, `{"a":[{"anything-but":{"prefix":"x"}}]}`, ""},
		{"a prefix in any case", pattern.EventBridge, `{"a":[{"prefix":{"equals-ignore-case":"x"}}]}`, ""},
		{"a prefix in any case", pattern.SNSBody, `{"a":[{"prefix":{"equals-ignore-case":"x"}}]}`, "prefix match pattern must be a string"},
		{"exactly", pattern.EventBridge, `{"a":[{"exactly":"x"}]}`, ""},
		{"exactly", pattern.SNSBody, `{"a":[{"exactly":"x"}]}`, "Unrecognized match type exactly"},
		{"fields of fields", pattern.SNSBody, `{"a":{"b":[1]}}`, ""},
		{"fields of fields", pattern.SNSAttributes, `{"a":{"b":[1]}}`, "Filter policy scope MessageAttributes does not support nested filter policy"},
		{"six keys", pattern.EventBridge, six, ""},
		{"six keys", pattern.SNSAttributes, six, "Filter policy can not have more than 5 keys"},
		{"five keys", pattern.SNSAttributes, strings.Replace(six, `,"f":[1]`, "", 1), ""},
		{"six keys, some in a field", pattern.SNSBody, `{"a":{"b":[1],"c":[1],"d":[1]},"e":[1],"f":[1],"g":[1]}`, "Filter policy can not have more than 5 keys"},
		{"150 combinations", pattern.SNSAttributes, `{"a":[` + values(10) + `],"b":[` + values(15) + `]}`, ""},
		{"160 combinations", pattern.SNSAttributes, `{"a":[` + values(10) + `],"b":[` + values(16) + `]}`, "Filter policy is too complex"},
		{"values count by their depth: 4 at 3, 3 at 2, 2 at 1", pattern.SNSBody, `{"a":{"b":{"c":[` + values(4) + `]}},"d":{"e":[` + values(3) + `]},"f":[1,2]}`, ""},
		{"values count by their depth: 4 at 3, 3 at 2, 3 at 1", pattern.SNSBody, `{"a":{"b":{"c":[` + values(4) + `]}},"d":{"e":[` + values(3) + `]},"f":[1,2,3]}`, "Filter policy is too complex"},
		{"alternatives add up", pattern.SNSAttributes, `{"$or":[{"a":[` + values(75) + `]},{"b":[` + values(75) + `]}]}`, ""},
		{"alternatives add up", pattern.SNSAttributes, `{"$or":[{"a":[` + values(75) + `]},{"b":[` + values(76) + `]}]}`, "Filter policy is too complex"},
		{"151 values of one key (SNS)", pattern.SNSAttributes, `{"key":[` + values(151) + `]}`, "Filter policy is too complex"},
		{"100 × 51 combinations (SNS)", pattern.SNSAttributes, `{"key1":[` + values(100) + `],"key2":[` + values(51) + `]}`, "Filter policy is too complex"},
		{"4×6 + 4×4×4 + 4×4×4 = 152 (SNS)", pattern.SNSAttributes, sources(4, 6, 4, 4, 4), "Filter policy is too complex"},
		{"3×6 + 3×4×4 + 3×4×7 = 150 (SNS)", pattern.SNSAttributes, sources(3, 6, 4, 4, 7), ""},
		{"(3 + 2) × 2·2 × (1·2 + 3·2) = 160 (SNS)", pattern.SNSBody, `{"$or":[{"metricName":[1,2,3]},{"namespace":[1,2]}],"detail":{"scope":[1,2],"$or":[{"source":[1]},{"type":[1,2,3]}]}}`, "Filter policy is too complex"},
		{"4·3 × 3·2 × 3 = 216 (SNS)", pattern.SNSBody, `{"key_a":{"key_b":{"key_c":[1,2,3,4]}},"key_d":{"key_e":[1,2,3]},"key_f":[1,2,3]}`, "Filter policy is too complex"},
		{"dots are no depth", pattern.SNSBody, `{"a.b.c":[` + values(150) + `]}`, ""},
		{"256 KB", pattern.SNSAttributes, long(256<<10 - 10), ""},
		{"a byte more", pattern.SNSAttributes, long(256<<10 - 9), "a pattern of 262145 bytes, of at most 262144"},
		{"$or of reserved names is a name", pattern.SNSAttributes, `{"$or":[{"prefix":"x"},{"suffix":"y"}]}`, ""},
		{"$or of one object is a name", pattern.SNSAttributes, `{"$or":[{"a":["x"]}]}`, "Unrecognized match type a"},
		{"a wildcard of three stars and another: (9 + 1) × 2 = 20 points, five times", pattern.SNSAttributes, `{` + list(5, `"k%d":[{"wildcard":"*a*b*"},{"wildcard":"c*"}]`) + `}`, ""},
		{"twelve points more", pattern.SNSAttributes, `{` + list(4, `"k%d":[{"wildcard":"*a*b*"},{"wildcard":"c*"}]`) + `,"l":[{"wildcard":"*a*b*"},{"wildcard":"*c*"}]}`, "Filter policy is too complex"},
		{"excluded wildcards count 1 each", pattern.SNSAttributes, `{"a":[` + list(10, `{"anything-but":{"wildcard":"*%d*"}}`) + `]}`, ""},
		{"three stars", pattern.SNSAttributes, `{"a":[{"wildcard":"*a*b*"}]}`, ""},
		{"four stars", pattern.SNSAttributes, `{"a":[{"wildcard":"*a*b*c*"}]}`, "Filter policy is too complex"},
		{"four stars", pattern.EventBridge, `{"a":[{"wildcard":"*a*b*c*"}]}`, ""},
		{"ten wildcards of a star each: 100 points", pattern.SNSAttributes, `{"a":[` + list(10, `{"wildcard":"%d*"}`) + `]}`, ""},
		{"eleven: 121 points", pattern.SNSAttributes, `{"a":[` + list(11, `{"wildcard":"%d*"}`) + `]}`, "Filter policy is too complex"},
		{"$or of a text", pattern.SNSAttributes, `{"$or":["a"]}`, ""},
		{"$or of a text", pattern.EventBridge, `{"$or":["a"]}`, `"$or" must be an array of at least two objects`},
		{"4,097 characters", pattern.Lambda, long(4089 - 2), "a pattern of 4097 characters, of at most 4096"},
		{"4,097 bytes", pattern.EventBridge, long(4089 - 2), "a pattern of 4097 bytes, of at most 4096"},
		{"4,097 bytes", pattern.SNSAttributes, long(4089 - 2), ""},
		{"a number within ±5e9", pattern.EventBridge, `{"a":[{"numeric":[">",2e9]}]}`, ""},
		{"a number beyond ±1e9", pattern.SNSBody, `{"a":[{"numeric":[">",2e9]}]}`, "Value must be between -1.0E9 and 1.0E9, inclusive"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pattern.Parse(c.dialect, c.text)
			if err != nil && fault.Of(err) != fault.Invalid {
				t.Errorf("%v is %s", err, fault.Of(err))
			}
			if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && got != c.want {
				t.Errorf("%.300s: got %q, want %q", c.text, got, c.want)
			}
		})
	}
}

// sources is a policy with alternatives inside an alternative, with so many values
// of each of its keys.
func sources(source, metricName, metricType, metricID, spaceID int) string {
	values := func(n int) string { return `[` + list(n, `"v%d"`) + `]` }
	return fmt.Sprintf(`{"source":%s,"$or":[{"metricName":%s},{"metricType":%s,"$or":[{"metricId":%s},{"spaceId":%s}]}]}`,
		values(source), values(metricName), values(metricType), values(metricID), values(spaceID))
}

func list(n int, format string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return strings.Join(all, ",")
}

// The texts are Event Ruler's, as recorded from AWS.
func TestReasons(t *testing.T) {
	for text, want := range map[string]string{
		`["a"]`:                                       "Filter is not an object",
		`{"k":"x"}`:                                   `"k" must be an object or an array`,
		`{"k":[]}`:                                    "Empty arrays are not allowed",
		`{"k":[["x"]]}`:                               "Match value must be String, number, true, false, or null",
		`{"k":[{"prefix":"a","suffix":"b"}]}`:         "Only one key allowed in match expression",
		`{"k":[{"like":"x"}]}`:                        "Unrecognized match type like",
		`{"k":[{"suffix":1}]}`:                        "suffix match pattern must be a string",
		`{"k":[{"exists":"x"}]}`:                      "exists match pattern must be either true or false.",
		`{"k":[{"numeric":["=","x"]}]}`:               "Value of equals must be numeric",
		`{"k":[{"numeric":["<","x"]}]}`:               "Value of < must be numeric",
		`{"k":[{"numeric":["<",1,">",2]}]}`:           "Bad numeric range operator: <",
		`{"k":[{"numeric":[">",2,"<",1]}]}`:           "Bottom must be less than top",
		`{"k":[{"numeric":[">",2,"<",1,"<",1]}]}`:     "Too many terms in numeric range expression",
		`{"k":[{"numeric":[1,2]}]}`:                   "Invalid member in numeric match: 1",
		`{"k":[{"numeric":["~",2]}]}`:                 "Unrecognized numeric range operator: ~",
		`{"k":[{"numeric":1}]}`:                       "Value of numeric must be an array.",
		`{"k":[{"anything-but":{"exists":true}}]}`:    "Unsupported anything-but pattern: exists",
		`{"k":[{"anything-but":{"prefix":""}}]}`:      "Null prefix/suffix not allowed",
		`{"k":[{"anything-but":null}]}`:               "Value of anything-but must be an array or single string/number value.",
		`{"k":[{"cidr":"10.0.0.0"}]}`:                 "Malformed CIDR, one '/' required",
		`{"k":[{"cidr":"10.0.0.0/x"}]}`:               "Malformed CIDR, mask bits must be an integer",
		`{"k":[{"cidr":"10.0/8"}]}`:                   "Nonstandard IP address: 10.0",
		`{"k":[{"wildcard":"a**"}]}`:                  "Consecutive wildcard characters at pos 2",
		`{"$or":[{"prefix":["x"]},{"equals":["x"]}]}`: `"prefix" cannot be a field inside "$or"`,
	} {
		_, err := pattern.Parse(pattern.EventBridge, text)
		if e, ok := errors.AsType[*pattern.Error](err); !ok || e.Reason != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// What a subscription's policy makes of message attributes.
func TestAttributes(t *testing.T) {
	event := map[string]any{
		"kind":   pattern.Attribute("String", "order"),
		"price":  pattern.Attribute("Number.euros", "12.50"),
		"digits": pattern.Attribute("String", "12"),
		"tags":   pattern.Attribute("String.Array", `["a","b",3,null,true]`),
		"blob":   pattern.Attribute("Binary", "x"),
		"broken": pattern.Attribute("String.Array", `["a"`),
	}
	for _, c := range []struct {
		rule, policy string
		want         bool
	}{
		{"text", `{"kind":["order"]}`, true},
		{"another text", `{"kind":["refund"]}`, false},
		{"a number by value", `{"price":[12.5]}`, true},
		{"a number in a range", `{"price":[{"numeric":[">",12,"<",13]}]}`, true},
		{"a number is no text", `{"price":["12.50"]}`, false},
		{"text is no number", `{"digits":[12]}`, false},
		{"a member of an array", `{"tags":["b"]}`, true},
		{"a number in an array", `{"tags":[3]}`, true},
		{"no member of an array", `{"tags":["c"]}`, false},
		{"all keys", `{"kind":["order"],"tags":["c"]}`, false},
		{"either key", `{"$or":[{"kind":["order"]},{"tags":["c"]}]}`, true},
		{"binary is there", `{"blob":[{"exists":true}]}`, true},
		{"binary is not absent", `{"blob":[{"exists":false}]}`, false},
		{"binary matches no text", `{"blob":["x"]}`, false},
		{"binary matches no exclusion", `{"blob":[{"anything-but":"y"}]}`, false},
		{"a broken array is there alone", `{"broken":["a"]}`, false},
		{"absent", `{"none":[{"exists":false}]}`, true},
		{"null in an array", `{"tags":[null]}`, true},
	} {
		p, err := pattern.Parse(pattern.SNSAttributes, c.policy)
		if err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		if got := p.Match(event); got != c.want {
			t.Errorf("%s: %s got %t", c.rule, c.policy, got)
		}
	}
}

// Whatever a stranger sends, in whatever dialect, parsing and matching end.
func FuzzDialects(f *testing.F) {
	f.Add(`{"a":[{"anything-but":{"wildcard":["x*"]}},{"numeric":[">",0,"<=",5]}]}`, `{"a":[1,{"b":null}]}`)
	f.Add(`{"$or":["a"],"b":{"c":[{"cidr":"::/0"}]}}`, `{"$or":"a","b":[{"c":"::1"}]}`)
	f.Fuzz(func(t *testing.T, text, body string) {
		event, err := pattern.Decode([]byte(body))
		if err != nil {
			event = map[string]any{"a": pattern.Attribute("String.Array", body), "b": pattern.Attribute("Number", body)}
		}
		for _, d := range []*pattern.Dialect{pattern.Lambda, pattern.EventBridge, pattern.SNSBody, pattern.SNSAttributes} {
			p, err := pattern.Parse(d, text)
			switch {
			case err == nil:
				p.Match(event)
			case fault.Of(err) != fault.Invalid:
				t.Errorf("%v is %s", err, fault.Of(err))
			}
		}
	})
}
