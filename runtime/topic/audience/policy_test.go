package audience_test

import (
	"testing"

	"millrace/runtime/queue"
	"millrace/runtime/topic/audience"
)

func number(name, value string) queue.Attribute {
	return queue.Attribute{Name: name, DataType: "Number", Value: []byte(value)}
}

func array(name, value string) queue.Attribute {
	return queue.Attribute{Name: name, DataType: "String.Array", Value: []byte(value)}
}

func binary(name string) queue.Attribute {
	return queue.Attribute{Name: name, DataType: "Binary", Value: []byte("\x00\xff")}
}

func list(all ...queue.Attribute) []queue.Attribute { return all }

// judge compares what a policy says of a message, alone and in an audience.
func judge(t *testing.T, scope audience.Scope, policy string, m audience.Message, want audience.Reason) {
	t.Helper()
	f := compile(t, scope, policy)
	if got := f.Match(m); got != want {
		t.Errorf("%s: got %q, want %q", policy, got, want)
	}
	var a audience.Audience[string]
	a.Set("1", f, "one")
	matched, out := a.Match(m)
	if in := len(matched) == 1; in != (want == audience.Matched) || !in && (out[want] != 1 || out.Total() != 1) {
		t.Errorf("%s: in an audience got %q and %v, want %q", policy, matched, out, want)
	}
}

const (
	passes    = audience.Matched
	fails     = audience.MessageAttributes
	empty     = audience.NoMessageAttributes
	malformed = audience.InvalidAttributes
)

// The rules marked SNS were recorded from it by LocalStack's suite
// (tests/aws/services/sns/test_sns_filter_policy.py, read 2026-11); the others follow
// the Amazon SNS Developer Guide, "Amazon SNS subscription filter policies".
func TestAttributePolicies(t *testing.T) {
	interests := array("customer_interests", `["soccer", "rugby", "hockey"]`)
	order := list(interests, text("store", "example_corp"), text("event", "order_placed"), number("price_usd", "210.75"))
	for _, c := range []struct {
		rule       string
		policy     string
		attributes []queue.Attribute
		want       audience.Reason
	}{
		{"the guide's accepting policy", `{"store":["example_corp"],"event":[{"anything-but":"order_cancelled"}],"customer_interests":["rugby","football","baseball"],"price_usd":[{"numeric":[">=",100]}]}`, order, passes},
		{"the guide's rejecting policy", `{"store":["example_corp"],"event":["order_cancelled"],"encrypted":[false],"customer_interests":["basketball","baseball"]}`, order, fails},
		{"no attributes", `{"store":["x"]}`, nil, empty},
		{"no attributes, none wanted", `{"store":[{"exists":false}]}`, nil, empty},
		{"no attributes, null or anything (SNS)", `{"attr1":[null,{"anything-but":"whatever"}]}`, nil, empty},

		{"a text", `{"k":["rugby"]}`, list(text("k", "rugby")), passes},
		{"one of several texts", `{"k":["rugby","tennis"]}`, list(text("k", "tennis")), passes},
		{"another text", `{"k":["rugby"]}`, list(text("k", "football")), fails},
		{"case counts", `{"k":["rugby"]}`, list(text("k", "Rugby")), fails},
		{"names have case", `{"K":["rugby"]}`, list(text("k", "rugby")), fails},
		{"another name", `{"k":["rugby"]}`, list(text("l", "rugby")), fails},
		{"other attributes do not matter", `{"k":["rugby"]}`, list(text("k", "rugby"), text("l", "x"), binary("b")), passes},
		{"one of many texts", `{"k":["a","b","c","d","e","f","g","h","i","j","j","k"]}`, list(text("k", "k")), passes},
		{"none of many texts", `{"k":["a","b","c","d","e","f","g","h","i","j","j","k"]}`, list(text("k", "l")), fails},
		{"none but many texts", `{"k":[{"anything-but":["a","b","c","d","e","f","g","h","i","j"]}]}`, list(text("k", "j")), fails},
		{"white space counts", `{"k":["rugby"]}`, list(text("k", " rugby")), fails},
		{"texts in any script", `{"k":["ラグビー"]}`, list(text("k", "ラグビー")), passes},
		{"an escape in the policy", `{"k":["r\u0075gby"]}`, list(text("k", "rugby")), passes},
		{"a quotation mark, escaped twice", `{"k":["a\\\"b"]}`, list(text("k", `a"b`)), passes},
		{"a quotation mark, escaped once", `{"k":["a\"b"]}`, list(text("k", `a"b`)), fails},
		{"a backslash, escaped twice", `{"k":["a\\\\b"]}`, list(text("k", `a\b`)), passes},
		{"a backslash, escaped once", `{"k":["a\\b"]}`, list(text("k", `a\b`)), fails},
		{"a quotation mark in an array", `{"k":["a\\\"b"]}`, list(array("k", `["a\"b"]`)), passes},
		{"arrays in arrays do not count", `{"k":["x"]}`, list(array("k", `[["x"],{"k":"x"}]`)), fails},
		{"a name with a dot", `{"a.b":["x"]}`, list(text("a.b", "x")), passes},
		{"names with dots are no fields", `{"a.b":["x"]}`, list(text("a", `{"b":"x"}`)), fails},
		{"a custom label", `{"k":["x"]}`, []queue.Attribute{{Name: "k", DataType: "String.label", Value: []byte("x")}}, passes},

		{"all names", `{"a":["x"],"b":["y"]}`, list(text("a", "x"), text("b", "y")), passes},
		{"all names, one fails", `{"a":["x"],"b":["y"]}`, list(text("a", "x"), text("b", "z")), fails},
		{"all names, one is missing", `{"a":["x"],"b":["y"]}`, list(text("a", "x")), fails},

		{"a number", `{"n":[301.5]}`, list(number("n", "301.5")), passes},
		{"a number by value", `{"n":[301.5]}`, list(number("n", "3.015e2")), passes},
		{"a number with a sign", `{"n":[5]}`, list(number("n", "+5")), passes},
		{"a number with leading zeros", `{"n":[5]}`, list(number("n", "005")), passes},
		{"a number with a bare point", `{"n":[0.5]}`, list(number("n", ".5")), passes},
		{"another number", `{"n":[301.5]}`, list(number("n", "301")), fails},
		{"a number is no text", `{"n":["301"]}`, list(number("n", "301")), fails},
		{"a text is no number", `{"n":[301]}`, list(text("n", "301")), fails},
		{"five decimals count", `{"n":[1.00001]}`, list(number("n", "1.00002")), fails},
		{"a sixth does not", `{"n":[1]}`, list(number("n", "1.000001")), passes},
		{"numbers beyond the range compare as written", `{"n":[123456789012]}`, list(number("n", "123456789012")), passes},
		{"numbers beyond the range have no value", `{"n":[123456789012]}`, list(number("n", "123456789012.0")), fails},
		{"a custom label of a number", `{"n":[5]}`, []queue.Attribute{{Name: "n", DataType: "Number.cents", Value: []byte("5")}}, passes},
		{"no number at all", `{"n":[5]}`, list(number("n", "five")), malformed},
		{"no number, of another name", `{"n":[5]}`, list(number("m", "five"), number("n", "4")), fails},
		{"no number, and the policy fits", `{"n":[5]}`, list(number("m", "five"), number("n", "5")), passes},

		{"numeric equal", `{"n":[{"numeric":["=",301.5]}]}`, list(number("n", "301.5")), passes},
		{"numeric not equal", `{"n":[{"numeric":["=",301.5]}]}`, list(number("n", "301.50001")), fails},
		{"numeric below", `{"n":[{"numeric":["<",0]}]}`, list(number("n", "-1")), passes},
		{"numeric below, at the bound", `{"n":[{"numeric":["<",0]}]}`, list(number("n", "0")), fails},
		{"numeric at most, at the bound", `{"n":[{"numeric":["<=",0]}]}`, list(number("n", "0")), passes},
		{"numeric above, at the bound", `{"n":[{"numeric":[">",0]}]}`, list(number("n", "0")), fails},
		{"numeric at least, at the bound", `{"n":[{"numeric":[">=",0]}]}`, list(number("n", "0")), passes},
		{"numeric range (SNS)", `{"attr1":[{"numeric":[">",0,"<=",100]}]}`, list(number("attr1", "99")), passes},
		{"numeric range, at its top", `{"attr1":[{"numeric":[">",0,"<=",100]}]}`, list(number("attr1", "100")), passes},
		{"numeric range, at its bottom", `{"attr1":[{"numeric":[">",0,"<=",100]}]}`, list(number("attr1", "0")), fails},
		{"numeric range, above (SNS)", `{"attr1":[{"numeric":[">",0,"<=",100]}]}`, list(number("attr1", "111")), fails},
		{"numeric of a text", `{"attr1":[{"numeric":[">",0]}]}`, list(text("attr1", "99")), fails},
		{"numeric above the dialect's range", `{"n":[{"numeric":[">",0]}]}`, list(number("n", "1000000001")), fails},
		{"numeric at the dialect's range", `{"n":[{"numeric":[">",0]}]}`, list(number("n", "1000000000")), passes},
		{"the guide's ranges or value", `{"p":[{"numeric":["<",0]},{"numeric":[">",10,"<",20]},50]}`, list(number("p", "50")), passes},

		{"a prefix", `{"k":[{"prefix":"bas"}]}`, list(text("k", "baseball")), passes},
		{"no prefix", `{"k":[{"prefix":"bas"}]}`, list(text("k", "rugby")), fails},
		{"the empty prefix", `{"k":[{"prefix":""}]}`, list(text("k", "rugby")), passes},
		{"a prefix of a number", `{"k":[{"prefix":"1"}]}`, list(number("k", "12")), fails},
		{"a suffix", `{"k":[{"suffix":"ball"}]}`, list(text("k", "baseball")), passes},
		{"no suffix", `{"k":[{"suffix":"ball"}]}`, list(text("k", "rugby")), fails},
		{"in any case", `{"k":[{"equals-ignore-case":"tennis"}]}`, list(text("k", "TENNIS")), passes},
		{"in any case, all of it", `{"k":[{"equals-ignore-case":"tennis"}]}`, list(text("k", "tenniss")), fails},
		{"a wildcard", `{"k":[{"wildcard":"*ball"}]}`, list(text("k", "baseball")), passes},
		{"a wildcard for nothing", `{"k":[{"wildcard":"*ball"}]}`, list(text("k", "ball")), passes},
		{"no wildcard", `{"k":[{"wildcard":"*ball"}]}`, list(text("k", "rugby")), fails},
		{"wildcards", `{"k":[{"wildcard":"b*b*l"}]}`, list(text("k", "baseball")), passes},
		{"an escaped star", `{"k":[{"wildcard":"a\\*"}]}`, list(text("k", "a*")), passes},
		{"an escaped star is a star", `{"k":[{"wildcard":"a\\*"}]}`, list(text("k", "ab")), fails},
		{"an address in a block", `{"ip":[{"cidr":"10.0.0.0/24"}]}`, list(text("ip", "10.0.0.255")), passes},
		{"an address outside", `{"ip":[{"cidr":"10.0.0.0/24"}]}`, list(text("ip", "10.1.1.0")), fails},
		{"no address", `{"ip":[{"cidr":"10.0.0.0/24"}]}`, list(text("ip", "here")), fails},
		{"an address of six", `{"ip":[{"cidr":"2001:db8::/32"}]}`, list(text("ip", "2001:db8::7")), passes},

		{"anything but", `{"k":[{"anything-but":["rugby","tennis"]}]}`, list(text("k", "baseball")), passes},
		{"anything but, that", `{"k":[{"anything-but":["rugby","tennis"]}]}`, list(text("k", "rugby")), fails},
		{"anything but, missing", `{"k":[{"anything-but":["rugby"]}]}`, list(text("l", "x")), fails},
		{"anything but, one other member (guide)", `{"customer_interests":[{"anything-but":["rugby","tennis"]}]}`, list(array("customer_interests", `["rugby","baseball"]`)), passes},
		{"anything but, no other member (guide)", `{"customer_interests":[{"anything-but":["rugby","tennis"]}]}`, list(array("customer_interests", `["rugby"]`)), fails},
		{"anything but a number", `{"n":[{"anything-but":[100,500]}]}`, list(number("n", "101")), passes},
		{"anything but that number", `{"n":[{"anything-but":[100,500]}]}`, list(number("n", "100.0")), fails},
		{"anything but a number, a text", `{"n":[{"anything-but":[100]}]}`, list(text("n", "100")), passes},
		{"anything but a prefix", `{"event":[{"anything-but":{"prefix":"order-"}}]}`, list(text("event", "data-entry")), passes},
		{"anything but that prefix", `{"event":[{"anything-but":{"prefix":"order-"}}]}`, list(text("event", "order-cancelled")), fails},
		{"anything but a prefix, a number", `{"event":[{"anything-but":{"prefix":"1"}}]}`, list(number("event", "1")), passes},
		{"anything but a wildcard", `{"event":[{"anything-but":{"wildcard":"*ball"}}]}`, list(text("event", "hockey")), passes},
		{"anything but that wildcard", `{"event":[{"anything-but":{"wildcard":"*ball"}}]}`, list(text("event", "baseball")), fails},
		{"anything but, or an exact value", `{"k":["x",{"anything-but":"x"}]}`, list(text("k", "x")), passes},

		{"it exists (SNS)", `{"store":[{"exists":true}]}`, list(number("store", "99"), number("def", "99")), passes},
		{"it does not exist (SNS)", `{"store":[{"exists":true}]}`, list(number("attr1", "111")), fails},
		{"it must not exist (SNS)", `{"store":[{"exists":false}]}`, list(number("def", "99")), passes},
		{"it must not exist, and does (SNS)", `{"store":[{"exists":false}]}`, list(number("def", "99"), number("store", "99")), fails},
		{"an array without members does not exist", `{"k":[{"exists":true}]}`, list(array("k", `[]`)), fails},
		{"an array of null does not exist", `{"k":[{"exists":true}]}`, list(array("k", `[null]`)), fails},
		{"absent or a value", `{"k":["x",{"exists":false}]}`, list(text("l", "y")), passes},
		{"absent or a value, the value", `{"k":["x",{"exists":false}]}`, list(text("k", "x")), passes},
		{"absent or a value, another", `{"k":["x",{"exists":false}]}`, list(text("k", "y")), fails},
		{"two absent", `{"a":[{"exists":false}],"b":[{"exists":false}]}`, list(text("c", "y")), passes},

		{"a member (SNS)", `{"store":["value1"]}`, list(array("store", `["value1","value2"]`)), passes},
		{"no member (SNS)", `{"store":["value1"]}`, list(array("store", `["value2","value3"]`)), fails},
		{"a member twice", `{"store":["value1"]}`, list(array("store", `["value1","value1"]`)), passes},
		{"members and several values", `{"store":["a","b"]}`, list(array("store", `["b","a"]`)), passes},
		{"a number in an array", `{"n":[5]}`, list(array("n", `["a",5.0]`)), passes},
		{"true in an array", `{"n":[true]}`, list(array("n", `[true]`)), passes},
		{"false in an array", `{"n":[true]}`, list(array("n", `[false]`)), fails},
		{"null in an array", `{"n":[null]}`, list(array("n", `[null]`)), passes},
		{"true is no text", `{"n":[true]}`, list(text("n", "true")), fails},
		{"null is no text", `{"n":[null]}`, list(text("n", "null")), fails},
		{"an array's text", `{"n":["[\"a\"]"]}`, list(array("n", `["a"]`)), fails},
		{"a text that looks like an array", `{"n":["a"]}`, list(text("n", `["a"]`)), fails},
		{"an empty array", `{"n":["a"]}`, list(array("n", `[]`)), fails},
		{"a prefix of a member", `{"n":[{"prefix":"a"}]}`, list(array("n", `["b","ab"]`)), passes},
		{"a malformed array", `{"n":["a"]}`, list(array("n", `["a"`)), malformed},
		{"an array that is none", `{"n":["a"]}`, list(array("n", `"a"`)), malformed},
		{"a malformed array of another name", `{"n":["a"]}`, list(array("m", `["a"`), text("n", "b")), fails},

		{"binary", `{"b":["x"]}`, list(binary("b")), fails},
		{"binary is nothing but there", `{"b":[{"anything-but":"x"}]}`, list(binary("b")), fails},
		{"binary exists", `{"b":[{"exists":true}]}`, list(binary("b")), passes},
		{"binary is not absent", `{"b":[{"exists":false}]}`, list(binary("b")), fails},

		{"either", `{"source":["cw"],"$or":[{"name":["cpu","io"]},{"space":["ec2"]}]}`, list(text("source", "cw"), text("name", "io")), passes},
		{"or", `{"source":["cw"],"$or":[{"name":["cpu","io"]},{"space":["ec2"]}]}`, list(text("source", "cw"), text("space", "ec2")), passes},
		{"neither", `{"source":["cw"],"$or":[{"name":["cpu","io"]},{"space":["ec2"]}]}`, list(text("source", "cw"), text("space", "es")), fails},
		{"either, and not the rest", `{"source":["cw"],"$or":[{"name":["cpu"]},{"space":["ec2"]}]}`, list(text("source", "x"), text("name", "cpu")), fails},
		{"several in an alternative", `{"$or":[{"name":["cpu"],"type":["t"]},{"space":["ec2"]}]}`, list(text("name", "cpu")), fails},
		{"alternatives of alternatives", `{"$or":[{"a":["x"]},{"b":["y"],"$or":[{"c":["z"]},{"d":["z"]}]}]}`, list(text("b", "y"), text("d", "z")), passes},
		{"$or of one is a name", `{"$or":[{"prefix":"x"}]}`, list(text("$or", "xy")), passes},
		{"$or of operators is a name", `{"$or":[{"prefix":"x"},{"suffix":"y"}]}`, list(text("$or", "ay")), passes},
		{"$or of texts is a name", `{"$or":["x","y"]}`, list(text("$or", "y")), passes},
		{"alternatives that want a name absent", `{"$or":[{"a":[{"exists":false}]},{"b":["y"]}]}`, list(text("c", "z")), passes},
	} {
		t.Run(c.rule, func(t *testing.T) {
			judge(t, audience.Attributes, c.policy, audience.Message{Body: "?", Attributes: c.attributes}, c.want)
		})
	}
}
