package checksum_test

import (
	"bytes"
	"crypto/md5"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"

	"millrace/runtime/object/checksum"
)

// lengths around where a goroutine starts and where blocks end.
var lengths = []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 128 << 10, 128<<10 + 1, 256 << 10, 384<<10 + 7, 1 << 20}

func TestHasherComputesAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, length := range lengths {
		body := make([]byte, length)
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		for _, piece := range []int{1 << 30, 64 << 10, 1 + random.IntN(100_000), 1 + random.IntN(9_000)} {
			h := checksum.NewHasher(checksum.All()...)
			for rest := body; len(rest) > 0; {
				p := bytes.Clone(rest[:min(piece, len(rest))])
				if n, err := h.Write(p); n != len(p) || err != nil {
					t.Fatalf("took %d of %d bytes: %v", n, len(p), err)
				}
				clear(p) // as a caller does who reads into it again
				rest = rest[min(piece, len(rest)):]
			}
			etag, values := h.Sum()
			if etag != (checksum.ETag{MD5: md5.Sum(body)}) {
				t.Errorf("%d bytes by %d: ETag %s", length, piece, etag)
			}
			for i, a := range checksum.All() {
				if want := of(a, string(body)); values[i] != want {
					t.Errorf("%d bytes by %d: %s is %s, want %s", length, piece, a, values[i], want)
				}
			}
			if again, _ := h.Sum(); again != etag {
				t.Errorf("a second Sum is %s after %s", again, etag)
			}
			h.Close()
		}
	}
}

// A bubble fails when a goroutine is left.
func TestHasherEnds(t *testing.T) {
	for name, end := range map[string]func(*checksum.Hasher){
		"Close":         func(h *checksum.Hasher) { h.Close() },
		"Sum":           func(h *checksum.Hasher) { h.Sum() },
		"Sum and Close": func(h *checksum.Hasher) { h.Sum(); h.Close(); h.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			for _, length := range lengths {
				synctest.Test(t, func(t *testing.T) {
					h := checksum.NewHasher(checksum.CRC32)
					h.Write(make([]byte, length))
					end(h)
					if _, err := h.Write([]byte("late")); err == nil {
						t.Error("a write after the end is taken")
					}
				})
			}
		})
	}
}

func TestLongBodiesAloneNeedAGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		h := checksum.NewHasher(checksum.CRC64NVME)
		for range 64 {
			h.Write(make([]byte, 1<<10))
		}
		if now := runtime.NumGoroutine(); now != before {
			t.Errorf("%d goroutines instead of %d for 64 KiB", now, before)
		}
		h.Write([]byte("!"))
		if now := runtime.NumGoroutine(); now != before+1 {
			t.Errorf("%d goroutines instead of %d for more", now, before+1)
		}
		h.Close()
	})
}

func BenchmarkHasher(b *testing.B) {
	block := make([]byte, 256<<10)
	for name, w := range map[string]func() io.Writer{
		"MD5 alone":     func() io.Writer { return md5.New() },
		"MD5+CRC64NVME": func() io.Writer { return checksum.NewHasher(checksum.CRC64NVME) },
		"MD5+SHA256":    func() io.Writer { return checksum.NewHasher(checksum.SHA256) },
	} {
		b.Run(name, func(b *testing.B) {
			const size = 1 << 30
			b.SetBytes(size)
			for b.Loop() {
				w := w()
				for range size / len(block) {
					w.Write(block)
				}
				if h, ok := w.(*checksum.Hasher); ok {
					h.Sum()
				}
			}
		})
	}
}

func BenchmarkShort(b *testing.B) {
	body := make([]byte, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		h := checksum.NewHasher(checksum.CRC64NVME)
		h.Write(body)
		h.Sum()
		h.Close()
	}
}
