package function_test

import (
	"testing"

	"millrace/runtime/function"
)

// What an invocation costs beside the running of the function itself.
func BenchmarkInvoke(b *testing.B) {
	w := open(b, b.TempDir())
	w.mustCreate(b, ordersFunction(), "#!one")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Invoke(b.Context(), orders, function.Invocation{Payload: []byte("{}")}); err != nil {
			b.Fatal(err)
		}
	}
}

// What it costs to accept an event durably and to run it, several at once.
func BenchmarkInvokeAsync(b *testing.B) {
	w := open(b, b.TempDir(), withOutbox)
	w.mustCreate(b, ordersFunction(), "#!one")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := w.InvokeAsync(b.Context(), orders, function.Invocation{Payload: []byte("{}")}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A function with variables, which lie sealed in its record.
func BenchmarkGet(b *testing.B) {
	dir := b.TempDir()
	w := open(b, dir, sealing(dir))
	f := ordersFunction()
	f.Env = map[string]string{"TABLE": "orders", "LEVEL": "info"}
	w.mustCreate(b, f, "#!one")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Get(orders); err != nil {
			b.Fatal(err)
		}
	}
}
