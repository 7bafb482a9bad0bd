package content_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"io"
	"testing"

	"millrace/runtime/object/content"
)

const benched = 64 * frame

// BenchmarkRaw is what the others are measured by: the same AES-256-GCM, of the same
// frames, and nothing else.
func BenchmarkRaw(b *testing.B) {
	block, _ := aes.NewCipher(make([]byte, 32))
	aead, _ := cipher.NewGCM(block)
	plain, nonce := text(benched), make([]byte, 12)
	out := make([]byte, 0, frame+16)
	b.SetBytes(benched)
	for b.Loop() {
		for at := 0; at < benched; at += frame {
			aead.Seal(out, nonce, plain[at:at+frame], nil)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	plain, key := text(benched), customer.DataKey()
	b.SetBytes(benched)
	for b.Loop() {
		w := content.Seal(io.Discard, key)
		w.Write(plain)
		w.Close()
	}
}

// BenchmarkSealPieces is by 32 KiB, as io.Copy has them.
func BenchmarkSealPieces(b *testing.B) {
	plain, key := text(benched), customer.DataKey()
	b.SetBytes(benched)
	for b.Loop() {
		w := content.Seal(io.Discard, key)
		for at := 0; at < benched; at += frame / 2 {
			w.Write(plain[at : at+frame/2])
		}
		w.Close()
	}
}

func BenchmarkOpen(b *testing.B) {
	s := sealed(b, text(benched), frame)
	b.SetBytes(benched)
	for b.Loop() {
		r, _ := content.Open(bytes.NewReader(s), int64(len(s)), customer.Unwrap)
		if n, err := r.Range(0, r.Size()).WriteTo(io.Discard); n != benched || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkSealBytes1KiB(b *testing.B) {
	plain, key := text(1024), customer.DataKey()
	b.SetBytes(1024)
	for b.Loop() {
		content.SealBytes(key, plain)
	}
}

func BenchmarkOpenBytes1KiB(b *testing.B) {
	s := content.SealBytes(customer.DataKey(), text(1024))
	b.SetBytes(1024)
	for b.Loop() {
		if _, err := content.OpenBytes(customer.Unwrap, s); err != nil {
			b.Fatal(err)
		}
	}
}
