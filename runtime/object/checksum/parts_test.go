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

// A part of 5 GiB is too long for a test to hash. However parts are grouped, they have
// the same checksum.
func TestCombinedOfLongParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(combinable).Draw(t, "algorithm")
		var parts [3]checksum.Part
		for i := range parts {
			parts[i] = checksum.Part{Value: of(a, rapid.String().Draw(t, "content")), Length: rapid.SampledFrom([]int64{0, 1, 5 << 20, 3<<30 + 1, 5 << 30}).Draw(t, "length")}
		}
		combine := func(parts ...checksum.Part) checksum.Part {
			whole := checksum.Part{}
			for _, p := range parts {
				whole.Length += p.Length
			}
			var err error
			if whole.Value, err = checksum.Combine(a, parts); err != nil {
				t.Fatal(err)
			}
			return whole
		}
		at := combine(parts[:]...)
		left, right := combine(combine(parts[:2]...), parts[2]), combine(parts[0], combine(parts[1:]...))
		if at != left || at != right {
			t.Fatalf("%s at once, %s from the left, %s from the right", at.Value, left.Value, right.Value)
		}
	})
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
