package audience_test

import (
	"testing"

	"millrace/runtime/topic/audience"
)

const (
	differs = audience.MessageBody
	noBody  = audience.InvalidMessageBody
)

// See TestAttributePolicies for the sources.
func TestBodyPolicies(t *testing.T) {
	const (
		nested  = `{"object":{"key":[{"prefix":"auto-"},"hardcodedvalue"],"nested_key":[{"exists":false}]},"test":[{"exists":false}]}`
		records = `{"Records":{"s3":{"object":{"key":[{"prefix":"auto-"}]}},"eventName":[{"prefix":"ObjectCreated:"}]}}`
		either  = `{"$or":[{"metricName":["CPUUtilization","ReadLatency"]},{"namespace":["AWS/EC2","AWS/ES"]}],"detail":{"scope":["Service"],"$or":[{"source":["aws.cloudwatch"]},{"type":["CloudWatch Alarm State Change"]}]}}`
		order   = `{"customer_interests":["soccer","rugby","hockey"],"store":"example_corp","event":"order_placed","price_usd":210.75}`
	)
	for _, c := range []struct {
		rule         string
		policy, body string
		want         audience.Reason
	}{
		{"the guide's accepting policy", `{"store":["example_corp"],"event":[{"anything-but":"order_cancelled"}],"customer_interests":["rugby","football","baseball"],"price_usd":[{"numeric":[">=",100]}]}`, order, passes},
		{"the guide's rejecting policy", `{"store":["example_corp"],"event":["order_cancelled"],"encrypted":[false],"customer_interests":["basketball","baseball"]}`, order, differs},

		{"a prefix inside (SNS)", nested, `{"object": {"key": "auto-test"}}`, passes},
		{"a value inside (SNS)", nested, `{"object": {"key": "hardcodedvalue"}}`, passes},
		{"neither inside (SNS)", nested, `{"object": {"key": "test-auto"}}`, differs},
		{"there what must not be (SNS)", nested, `{"object": {"key": "auto-test"}, "test": "just-exists"}`, differs},
		{"there inside what must not be (SNS)", nested, `{"object": {"key": "auto-test", "nested_key": "just-exists"}}`, differs},
		{"another field inside (SNS)", nested, `{"object": {"test": "auto-test"}}`, differs},
		{"another field (SNS)", nested, `{"test": "auto-test"}`, differs},
		{"a plain text (SNS)", nested, `Regular string message`, noBody},
		{"a JSON text (SNS)", nested, `"Regular string message"`, noBody},
		{"nothing", `{"k":["x"]}`, ``, noBody},
		{"a number", `{"k":["x"]}`, `12`, noBody},
		{"null", `{"k":[{"exists":false}]}`, `null`, noBody},
		{"an array", `{"k":["x"]}`, `[{"k":"x"}]`, noBody},
		{"broken JSON", `{"k":["x"]}`, `{"k":"x"`, noBody},
		{"two documents", `{"k":["x"]}`, `{"k":"x"} {"k":"x"}`, noBody},
		{"an empty object", `{"k":["x"]}`, `{}`, differs},
		{"an empty object, none wanted", `{"k":[{"exists":false}]}`, `{}`, passes},
		{"white space around", `{"k":["x"]}`, " {\n\"k\" : \"x\"} ", passes},

		{"a dotted name, nested (SNS)", `{"object.nested":["string.value"]}`, `{"object": {"nested": "string.value"}}`, passes},
		{"a dotted name, dotted (SNS)", `{"object.nested":["string.value"]}`, `{"object.nested": "string.value"}`, passes},
		{"a dotted name, another value (SNS)", `{"object.nested":["string.value"]}`, `{"object": {"nested": "test-auto"}}`, differs},
		{"three names, nested (SNS)", `{"object.nested.test":["string.value"]}`, `{"object": {"nested": {"test": "string.value"}}}`, passes},
		{"three names, dotted (SNS)", `{"object.nested.test":["string.value"]}`, `{"object.nested.test": "string.value"}`, passes},
		{"three names, dotted before (SNS)", `{"object.nested.test":["string.value"]}`, `{"object.nested": {"test": "string.value"}}`, passes},
		{"three names, dotted behind (SNS)", `{"object.nested.test":["string.value"]}`, `{"object": {"nested.test": "string.value"}}`, passes},
		{"three names, another value (SNS)", `{"object.nested.test":["string.value"]}`, `{"object": {"nested": {"test": "string.notvalue"}}}`, differs},
		{"a nested policy, dotted", `{"a":{"b":["x"]}}`, `{"a.b":"x"}`, passes},
		{"both at once", `{"a":{"b":["x"],"c":["y"]}}`, `{"a.b":"x","a":{"c":"y"}}`, passes},
		{"both at once in the policy", `{"a.b":["x"],"a":{"c":["y"]}}`, `{"a":{"b":"x","c":"y"}}`, passes},
		{"a leaf and a field of one name", `{"a":["v"],"a.b":["x"]}`, `{"a":"v","a.b":"x"}`, passes},
		{"dotted and in an array", `{"a":{"b":["x"]}}`, `{"a":[{"c":"y"}],"a.b":"x"}`, passes},
		{"a dotted name that is absent", `{"a.b":[{"exists":false}]}`, `{"a":{"c":"x"}}`, passes},
		{"a dotted name that is not absent", `{"a.b":[{"exists":false}]}`, `{"a":{"b":"x"}}`, differs},
		{"a dot alone", `{".":["x"]}`, `{".":"x"}`, passes},
		{"dots in a row", `{"a..b":["x"]}`, `{"a":{"":{"b":"x"}}}`, passes},

		{"an array in the body (SNS)", `{"headers":{"route-to":["queue1"]}}`, `{"headers": {"route-to": ["queue1"]}}`, passes},
		{"one of its members (SNS)", `{"headers":{"route-to":["queue1"]}}`, `{"headers": {"route-to": ["queue1", "queue2"]}}`, passes},
		{"the other one (SNS)", `{"headers":{"route-to":["queue2"]}}`, `{"headers": {"route-to": ["queue1", "queue2"]}}`, passes},
		{"none of them (SNS)", `{"headers":{"route-to":["queue1"]}}`, `{"headers": {"route-to": ["queue3"]}}`, differs},
		{"objects in arrays of arrays (SNS)", records, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":[[{"key":"auto-insurance-2314.xml","size":17}]]}},{"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"home-insurance-2314.xml"}}}]}`, passes},
		{"an object in an array (SNS)", records, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"auto-insurance-2314.xml"}}}]}`, passes},
		{"another event (SNS)", records, `{"Records":[{"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"auto-insurance-2314.xml"}}}]}`, differs},
		{"another key (SNS)", records, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"home-insurance-2314.xml"}}}]}`, differs},
		{"half in one member, half in another", records, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"home"}}},{"eventName":"ObjectRemoved:Delete","s3":{"object":{"key":"auto-x"}}}]}`, differs},
		{"absent in all members", `{"a":{"b":[{"exists":false}]}}`, `{"a":[{"c":1},{"c":2}]}`, passes},
		{"absent in one member", `{"a":{"b":[{"exists":false}]}}`, `{"a":[{"c":1},{"b":2}]}`, differs},
		{"anything but, one other member", `{"a":[{"anything-but":"x"}]}`, `{"a":["x","y"]}`, passes},
		{"anything but, no other member", `{"a":[{"anything-but":"x"}]}`, `{"a":["x"]}`, differs},
		{"anything but, no member", `{"a":[{"anything-but":"x"}]}`, `{"a":[]}`, differs},

		{"either and either (SNS)", either, `{"metricName":"CPUUtilization","detail":{"scope":"Service","source":"aws.cloudwatch"}}`, passes},
		{"or and either (SNS)", either, `{"namespace":"AWS/ES","detail":{"scope":"Service","source":"aws.cloudwatch"}}`, passes},
		{"either and or (SNS)", either, `{"metricName":"ReadLatency","detail":{"scope":"Service","type":"CloudWatch Alarm State Change"}}`, passes},
		{"the rest differs (SNS)", either, `{"metricName":"CPUUtilization","detail":{"scope":"aws.cloudwatch","type":"CloudWatch Alarm State Change"}}`, differs},
		{"neither inside, but a value (SNS)", either, `{"metricName":"CPUUtilization","detail":{"scope":"Service","type":"CPUUtilization"}}`, differs},
		{"the rest is missing (SNS)", either, `{"metricName":"CPUUtilization","detail":{"type":"CloudWatch Alarm State Change"}}`, differs},
		{"neither inside (SNS)", either, `{"metricName":"CPUUtilization","detail":{"scope":"Service"}}`, differs},
		{"all outside (SNS)", either, `{"metricName":"CPUUtilization","scope":"Service"}`, differs},
		{"neither outside", either, `{"metricName":"AWS/EC2","detail":{"scope":"Service","source":"aws.cloudwatch"}}`, differs},
		{"$or in an object is a name", `{"a":{"$or":["x"]}}`, `{"a":{"$or":"x"}}`, passes},

		{"null", `{"k":[null]}`, `{"k":null}`, passes},
		{"null is not absent", `{"k":[null]}`, `{}`, differs},
		{"null does not exist", `{"k":[{"exists":true}]}`, `{"k":null}`, differs},
		{"null is not missing either", `{"k":[{"exists":false}]}`, `{"k":null}`, differs},
		{"anything but passes null", `{"k":[{"anything-but":"x"}]}`, `{"k":null}`, passes},
		{"the empty text does not exist", `{"k":[{"exists":true}]}`, `{"k":""}`, differs},
		{"the empty text is a value", `{"k":[""]}`, `{"k":""}`, passes},
		{"zero exists", `{"k":[{"exists":true}]}`, `{"k":0}`, passes},
		{"false exists", `{"k":[{"exists":true}]}`, `{"k":false}`, passes},
		{"an object does not exist", `{"k":[{"exists":true}]}`, `{"k":{"a":1}}`, differs},
		{"true", `{"k":[true]}`, `{"k":true}`, passes},
		{"true is not false", `{"k":[true]}`, `{"k":false}`, differs},
		{"true is no text", `{"k":[true]}`, `{"k":"true"}`, differs},
		{"a number is no text", `{"k":["5"]}`, `{"k":5}`, differs},
		{"a text is no number", `{"k":[5]}`, `{"k":"5"}`, differs},
		{"a number by value", `{"k":[5]}`, `{"k":5.0}`, passes},
		{"a number in steps of 0.00001", `{"k":[0.3]}`, `{"k":0.300001}`, passes},
		{"a negative number", `{"k":[-0.00001]}`, `{"k":-1e-5}`, passes},
		{"zero has no sign", `{"k":[0]}`, `{"k":-0.0}`, passes},
		{"a huge number", `{"k":[1e400]}`, `{"k":1e400}`, passes},
		{"another huge number", `{"k":[1e400]}`, `{"k":1e401}`, differs},
		{"numeric in a range", `{"k":[{"numeric":[">=",0,"<",1]}]}`, `{"k":0.99999}`, passes},
		{"numeric of a text", `{"k":[{"numeric":["=",5]}]}`, `{"k":"5"}`, differs},
		{"a text is not an object", `{"k":{"a":["x"]}}`, `{"k":"x"}`, differs},
		{"an object is not a text", `{"k":["x"]}`, `{"k":{"a":"x"}}`, differs},
		{"the last of equal names", `{"k":["y"]}`, `{"k":"x","k":"y"}`, passes},
		{"the last of equal names in the policy", `{"k":["x"],"k":["y"]}`, `{"k":"x"}`, differs},
		{"a wildcard inside", `{"a":{"b":[{"wildcard":"x*z"}]}}`, `{"a":{"b":"xyz"}}`, passes},
		{"a block inside", `{"a":{"b":[{"cidr":"10.0.0.0/8"}]}}`, `{"a":{"b":"10.9.9.9"}}`, passes},
	} {
		t.Run(c.rule, func(t *testing.T) {
			judge(t, audience.Body, c.policy, audience.Message{Body: c.body}, c.want)
		})
	}
}
