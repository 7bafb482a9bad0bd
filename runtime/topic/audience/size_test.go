package audience_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"millrace/runtime/queue"
	"millrace/runtime/topic/audience"
)

func TestAPlainSubscriptionAllocatesNothing(t *testing.T) {
	var a audience.Audience[*int]
	for i := range 20 {
		a.Set(fmt.Sprint(i), nil, new(i))
	}
	m := audience.Message{Body: `{"k":"x"}`, Attributes: []queue.Attribute{text("k", "x")}}
	if n := testing.AllocsPerRun(100, func() { a.Match(m) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestAnAudienceIsSmallAtRest(t *testing.T) {
	const topics = 10_000
	all := make([]audience.Audience[*int], topics)
	ids := make([]string, topics) // a topic keeps the ARN anyway
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	before := heap()
	for i := range all {
		all[i].Set(ids[i], nil, nil)
	}
	per := int(heap()-before)/topics + structSize()
	if per > 300 {
		t.Errorf("%d bytes", per)
	}
	runtime.KeepAlive(all)
}

// A member that is there many times leads to its filters once: this would take
// minutes otherwise.
func TestRepeatedMembersAreQuick(t *testing.T) {
	var a audience.Audience[int]
	x, both := compile(t, audience.Body, `{"k":["x"]}`), compile(t, audience.Body, `{"k":["x","y"]}`)
	for i := range 10_000 {
		a.Set(fmt.Sprint(i), []*audience.Filter{x, both}[i%2], i)
	}
	got, _ := a.Match(audience.Message{Body: `{"k":[` + strings.Repeat(`"x","y",`, 100_000) + `"x"]}`})
	if len(got) != 10_000 {
		t.Errorf("%d match", len(got))
	}
}

func structSize() int {
	before := heap()
	all := make([]audience.Audience[*int], 10_000)
	size := int(heap()-before) / len(all)
	runtime.KeepAlive(all)
	return size
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// many are 10,000 subscriptions, each with an exact-value policy.
func many(b *testing.B, scope audience.Scope, format string) *audience.Audience[int] {
	var a audience.Audience[int]
	for i := range 10_000 {
		a.Set(fmt.Sprint(i), compile(b, scope, fmt.Sprintf(format, i)), i)
	}
	return &a
}

func match(b *testing.B, a *audience.Audience[int], m audience.Message, want int) {
	b.ReportAllocs()
	for b.Loop() {
		if got, _ := a.Match(m); len(got) != want {
			b.Fatalf("%d match", len(got))
		}
	}
}

func BenchmarkMatchOneOf10000(b *testing.B) {
	b.Run("attributes", func(b *testing.B) {
		match(b, many(b, audience.Attributes, `{"type":["order"],"id":["%d"]}`),
			audience.Message{Attributes: []queue.Attribute{text("type", "order"), text("id", "4711")}}, 1)
	})
	b.Run("numbers", func(b *testing.B) {
		match(b, many(b, audience.Attributes, `{"id":[%d]}`), audience.Message{Attributes: []queue.Attribute{number("id", "4711.0")}}, 1)
	})
	b.Run("body", func(b *testing.B) {
		match(b, many(b, audience.Body, `{"order":{"id":["%d"]}}`), audience.Message{Body: `{"order":{"id":"4711","lines":[{"sku":"a"}]}}`}, 1)
	})
	b.Run("scanned", func(b *testing.B) {
		match(b, many(b, audience.Attributes, `{"id":[{"prefix":"%05d"}]}`), audience.Message{Attributes: []queue.Attribute{text("id", "04711")}}, 1)
	})
}

func BenchmarkMatchPlain(b *testing.B) {
	var a audience.Audience[int]
	for i := range 10 {
		a.Set(fmt.Sprint(i), nil, i)
	}
	match(b, &a, audience.Message{Body: "x"}, 10)
}

func BenchmarkSet(b *testing.B) {
	a := many(b, audience.Attributes, `{"type":["order"],"id":["%d"]}`)
	f := compile(b, audience.Attributes, `{"type":["order"],"id":["4711"]}`)
	g := compile(b, audience.Attributes, `{"type":["order"],"id":["4712"]}`)
	b.ReportAllocs()
	for b.Loop() {
		a.Set("4711", f, 1)
		a.Set("4711", g, 1)
	}
}
