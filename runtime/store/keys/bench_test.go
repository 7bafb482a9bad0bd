package keys_test

import (
	"testing"

	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

// BenchmarkDataKeys makes and opens data keys under the root key and under a KMS
// key: what a queue pays once in each reuse period.
func BenchmarkDataKeys(b *testing.B) {
	s := record.New(backbonetest.Start(b, b.TempDir()).JetStream(), nil)
	if err := s.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer s.Stop(b.Context())
	r, err := keys.Open(s, keys.NewRoot(), newClock().now)
	if err != nil {
		b.Fatal(err)
	}
	k, err := r.Create(b.Context(), keys.Key{Account: account, Region: region, Spec: keys.Symmetric})
	if err != nil {
		b.Fatal(err)
	}
	for name, id := range map[string]string{"root": "", "kms": k.ID} {
		d, err := r.DataKey(id, account, region)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("make/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.DataKey(id, account, region); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("open/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Unwrap(d.Wrapped); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
