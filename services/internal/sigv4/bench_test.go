package sigv4_test

import (
	"testing"

	"millrace/services/internal/sigv4"
)

func BenchmarkCheck(b *testing.B) {
	for name, v := range map[string]sigv4.Verifier{"verified": verifier, "secret not known": {Now: verifier.Now}} {
		b.Run(name, func(b *testing.B) {
			r := parse(b, examples["in chunks"])
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Check(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
