package pattern_test

import (
	"testing"

	"millrace/runtime/pattern"
)

// Five keys, 5 × 5 × 3 × 2 × 1 = 150 combinations, and of each key the last item
// matches. It is to take less than 3 µs with the reading of the attributes.
func BenchmarkPolicyOf150Combinations(b *testing.B) {
	p, err := pattern.Parse(pattern.SNSAttributes, `{
		"kind": ["order", "refund", "invoice", "reminder", "receipt"],
		"size": [{"numeric": ["<", 0]}, 1, 2, 3, {"numeric": [">", 100, "<=", 200]}],
		"country": [{"prefix": "us-"}, {"prefix": "ca-"}, {"suffix": "-eu"}],
		"tags": ["vip", {"anything-but": ["a", "b"]}],
		"id": [{"exists": true}]
	}`)
	if err != nil {
		b.Fatal(err)
	}
	attributes := []struct{ name, dataType, value string }{
		{"kind", "String", "receipt"}, {"size", "Number", "150.5"}, {"country", "String", "de-eu"},
		{"tags", "String.Array", `["a","b","c"]`}, {"id", "String", "4711"},
	}
	b.ReportAllocs()
	for b.Loop() {
		event := make(map[string]any, len(attributes))
		for _, a := range attributes {
			event[a.name] = pattern.Attribute(a.dataType, a.value)
		}
		if !p.Match(event) {
			b.Fatal("dropped")
		}
	}
}
