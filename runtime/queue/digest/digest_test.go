package digest_test

import (
	"testing"

	"millrace/runtime/queue"
	"millrace/runtime/queue/digest"
)

func TestBody(t *testing.T) {
	for _, m := range []queue.Message{{Body: "message"}, {Body: "message", MD5: digest.Sum("message")}} {
		if got, want := digest.Body(&m), "78e731027d8fd50ed642340b7c9a63b3"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// The wanted digests were recorded from AWS.
func TestAttributes(t *testing.T) {
	attr := func(name, kind, value string) queue.Attribute {
		return queue.Attribute{Name: name, DataType: kind, Value: []byte(value)}
	}
	for _, c := range []struct {
		rule string
		in   []queue.Attribute
		want string
	}{
		{"no attributes have no digest", nil, ""},
		{"a string", []queue.Attribute{attr("k", "String", "x")}, "a45daa70926828a2f0a1db3418e6feb4"},
		{"a longer string", []queue.Attribute{attr("MyAttribute", "String", "foobar")}, "adb59cd4678ea5a855436b949cd07ab6"},
		{"a number is text", []queue.Attribute{attr("timestamp", "Number", "1493147359900")}, "235c5c510d26fb653d073faed50ae77c"},
		{"bytes", []queue.Attribute{attr("attr1", "Binary", "traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01")}, "8cbe4db156db8a94db8b801b7addb984"},
		{"a system attribute", []queue.Attribute{attr("AWSTraceHeader", "String", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")}, "5ae4d5d7636402d80f4eb6d213245a88"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := digest.Attributes(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAttributesInAnyOrder(t *testing.T) {
	a := queue.Attribute{Name: "a", DataType: "String", Value: []byte("1")}
	b := queue.Attribute{Name: "b", DataType: "Binary.png", Value: []byte{0, 1}}
	given := []queue.Attribute{b, a}
	if digest.Attributes(given) != digest.Attributes([]queue.Attribute{a, b}) {
		t.Error("the digest depends on the order")
	}
	if given[0].Name != "b" {
		t.Error("the caller's slice was sorted")
	}
}

func TestLabelsCount(t *testing.T) {
	one := func(kind string) string {
		return digest.Attributes([]queue.Attribute{{Name: "a", DataType: kind, Value: []byte("1")}})
	}
	seen := map[string]string{}
	for _, kind := range []string{"String", "String.json", "Number", "Binary", "Binary.png"} {
		if other, ok := seen[one(kind)]; ok {
			t.Errorf("%s and %s have the same digest", kind, other)
		}
		seen[one(kind)] = kind
	}
}
