package checksum_test

import (
	"errors"
	"strings"
	"testing"

	"millrace/runtime/fault"
	"millrace/runtime/object/checksum"

	"pgregory.net/rapid"
)

var combinable = []checksum.Algorithm{checksum.CRC32, checksum.CRC32C, checksum.CRC64NVME}

func TestCombinedIsOfTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(combinable).Draw(t, "algorithm")
		texts := rapid.SliceOfN(rapid.String(), 1, 8).Draw(t, "parts")
		var parts []checksum.Part
		for _, text := range texts {
			parts = append(parts, checksum.Part{Value: of(a, text), Length: int64(len(text))})
		}
		got, err := checksum.Combine(a, parts)
		if want := of(a, strings.Join(texts, "")); err != nil || got != want {
			t.Fatalf("%s of %q is %s, %v; want %s", a, texts, got, err, want)
		}
	})
}

// A part of 5 GiB is too long for a test to hash. Zeros double instead: n of them, then
// n more.
func TestCombinedOfLongParts(t *testing.T) {
	for _, a := range combinable {
		v, length := of(a, "\x00"), int64(1)
		for length < 5<<30 {
			v2, err := checksum.Combine(a, []checksum.Part{{Value: v, Length: length}, {Value: v, Length: length}})
			if err != nil {
				t.Fatal(err)
			}
			v, length = v2, 2*length
			if length == 1<<20 && v != of(a, strings.Repeat("\x00", 1<<20)) {
				t.Errorf("%s of 1 MiB of zeros is %s", a, v)
			}
		}
		// The same in two steps of unequal lengths.
		short := of(a, "\x00")
		left, err := checksum.Combine(a, []checksum.Part{{Value: v, Length: length}, {Value: short, Length: 1}})
		right, err2 := checksum.Combine(a, []checksum.Part{{Value: short, Length: 1}, {Value: v, Length: length}})
		if err != nil || err2 != nil || left != right {
			t.Errorf("%s: a zero behind 8 GiB of zeros is %s, before them %s (%v, %v)", a, left, right, err, err2)
		}
	}
}

func TestCombineRefuses(t *testing.T) {
	crc := of(checksum.CRC32, "a")
	for why, c := range map[string]struct {
		algorithm checksum.Algorithm
		parts     []checksum.Part
	}{
		"an algorithm that cannot": {checksum.SHA256, []checksum.Part{{Value: of(checksum.SHA256, "a"), Length: 1}}},
		"no parts":                 {checksum.CRC32, nil},
		"another algorithm's part": {checksum.CRC32C, []checksum.Part{{Value: crc, Length: 1}}},
		"a part without a value":   {checksum.CRC32, []checksum.Part{{Value: crc, Length: 1}, {Length: 1}}},
		"a negative length":        {checksum.CRC32, []checksum.Part{{Value: crc, Length: -1}}},
	} {
		if v, err := checksum.Combine(c.algorithm, c.parts); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, %v", why, v, err)
		}
	}
}

func TestCompositeIsTheDigestOfDigests(t *testing.T) {
	for _, a := range checksum.All() {
		one, two := of(a, "one"), of(a, "two")
		got, err := checksum.Compose(a, []checksum.Value{one, two})
		if !a.Allows(checksum.Composite) {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%s has a composite value: %v, %v", a, got, err)
			}
			continue
		}
		want := of(a, string(one.Sum())+string(two.Sum())).Base64() + "-2"
		if err != nil || got.String() != want || got.Type != checksum.Composite {
			t.Errorf("%s: %s of type %s, %v; want %s", a, got, got.Type, err, want)
		}
	}
	one := of(checksum.SHA1, "one")
	for why, parts := range map[string][]checksum.Value{
		"no parts":          nil,
		"another algorithm": {of(checksum.CRC32, "one")},
		"too many":          make([]checksum.Value, checksum.MaxParts+1),
		"a hole":            {one, {}},
	} {
		if v, err := checksum.Compose(checksum.SHA1, parts); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, %v", why, v, err)
		}
	}
}

func BenchmarkCombine(b *testing.B) {
	parts := make([]checksum.Part, checksum.MaxParts)
	for i := range parts {
		parts[i] = checksum.Part{Value: of(checksum.CRC64NVME, "part"), Length: 8 << 20}
	}
	for b.Loop() {
		if _, err := checksum.Combine(checksum.CRC64NVME, parts); err != nil {
			b.Fatal(err)
		}
	}
}
