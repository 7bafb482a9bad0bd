package awschunked_test

import (
	"maps"
	"testing"

	"millrace/services/internal/awschunked"
)

// What is read without an error reads the same when it is encoded again.
func FuzzReader(f *testing.F) {
	seed := seedOf(sum("request"))
	checksum := []trailer{{"x-amz-checksum-crc32", "NhCmhg=="}}
	for number, form := range []string{unsignedTrailer, signed, signedTrailer} {
		var s *awschunked.Seed
		if form != unsignedTrailer {
			s = seed
		}
		f.Add(uint8(number), int64(5), encode([]string{"hello"}, checksum, form != signed, s))
	}
	f.Add(uint8(0), int64(5), "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n")
	f.Fuzz(func(t *testing.T, number uint8, length int64, body string) {
		form := []string{unsignedTrailer, signed, signedTrailer}[number%3]
		o := awschunked.Options{Length: length}
		if form != signed {
			o.Trailers = []string{"x-amz-checksum-crc32"}
		}
		got, trailers, err := read(t, form, body, o)
		if int64(len(got)) > max(length, 0) {
			t.Fatalf("%d bytes of %d", len(got), length)
		}
		if err != nil {
			return
		}
		if int64(len(got)) != length {
			t.Fatalf("%d bytes of %d, and no error", len(got), length)
		}
		var again []trailer
		for name, value := range trailers {
			again = append(again, trailer{name, value})
		}
		if form != unsignedTrailer {
			o.Seed = seed
		}
		got2, trailers2, err := read(t, form, encode([]string{got}, again, form != signed, o.Seed), o)
		if err != nil || got2 != got || !maps.Equal(trailers, trailers2) {
			t.Errorf("%q with %q is read as %q with %q, %v", got, trailers, got2, trailers2, err)
		}
	})
}

// However a body is split into chunks, it is read as it was.
func FuzzEncoded(f *testing.F) {
	f.Add("hello", "world", uint16(8192), "NhCmhg==")
	f.Add("", "", uint16(0), "")
	f.Fuzz(func(t *testing.T, first, second string, fill uint16, value string) {
		chunks := []string{string(make([]byte, 8192+int(fill))) + first}
		if second != "" {
			chunks = append(chunks, second)
		}
		want := chunks[0] + second
		seed := seedOf(sum(value))
		for form, s := range map[string]*awschunked.Seed{unsignedTrailer: nil, signed: seed, signedTrailer: seed} {
			got, _, err := read(t, form, encode(chunks, []trailer{{"x-amz-checksum-crc32", sum(value)}}, form != signed, s),
				awschunked.Options{Length: int64(len(want)), Seed: s, Trailers: map[bool][]string{true: {"x-amz-checksum-crc32"}}[form != signed]})
			if err != nil || got != want {
				t.Errorf("%s: %d bytes instead of %d, %v", form, len(got), len(want), err)
			}
		}
	})
}
