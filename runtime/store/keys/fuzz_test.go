package keys

import (
	"bytes"
	"maps"
	"testing"
)

// FuzzSealed opens anything as each kind of secret: only what was sealed opens,
// whole, as its own kind and with its own context.
func FuzzSealed(f *testing.F) {
	under := NewAEAD(bytes.Repeat([]byte{1}, keySize))
	id := keyID{2}
	f.Add([]byte{}, []byte{}, byte(material))
	f.Add(seal(under, ciphertext, id, []byte("c"), []byte("secret")), []byte("c"), byte(ciphertext))
	f.Add(seal(under, dataKey, keyID{}, nil, make([]byte, keySize)), []byte{}, byte(dataKey))
	f.Fuzz(func(t *testing.T, data, context []byte, k byte) {
		if by, ok := sealedBy(data, kind(k)); ok {
			if secret, err := unseal(under, data, context); err == nil && len(secret)+sealSize != len(data) {
				t.Errorf("%d bytes of %s open to %d", len(data), by, len(secret))
			}
		}
		sealed := seal(under, kind(k), id, context, data)
		if by, ok := sealedBy(sealed, kind(k)); !ok || by != id {
			t.Fatalf("sealed by %s, %v", by, ok)
		}
		if _, ok := sealedBy(sealed, kind(k)+1); ok {
			t.Error("passes for another kind")
		}
		if got, err := unseal(under, sealed, context); err != nil || !bytes.Equal(got, data) {
			t.Errorf("opened %q, %v", got, err)
		}
		if _, err := unseal(under, sealed, append(context, 0)); err == nil {
			t.Error("opens with another context")
		}
	})
}

// FuzzContext writes contexts down: different ones never look the same.
func FuzzContext(f *testing.F) {
	f.Add("a", "bc", "ab", "c")
	f.Add("", "", "", "x")
	f.Add("a", "b", "a", "b")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		contexts := []Context{nil, {k1: v1}, {k2: v2}, {k1: v1, k2: v2}, {k1: v2, k2: v1}, {k1 + v1: k2 + v2}}
		for _, a := range contexts {
			for _, b := range contexts {
				if bytes.Equal(a.canonical(), b.canonical()) != (maps.Equal(a, b)) {
					t.Errorf("%q and %q are written %x and %x", a, b, a.canonical(), b.canonical())
				}
			}
		}
	})
}

// FuzzRootKey reads anything as the file of a root key: what is read, is read
// again from each way to write it.
func FuzzRootKey(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"))
	f.Add([]byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"))
	f.Add([]byte("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
	f.Fuzz(func(t *testing.T, text []byte) {
		secret, ok := parseRoot(text)
		if !ok {
			return
		}
		if again, ok := parseRoot(secret[:]); !ok || again != secret {
			t.Errorf("%q is another key when it is raw", text)
		}
	})
}
