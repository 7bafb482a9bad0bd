package checksum

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/minio/crc64nvme"
)

// A Part is the checksum of one part of an object, and the part's length in bytes.
type Part struct {
	Value  Value
	Length int64
}

// Compose returns the Composite value of the parts' values, in their order: the
// checksum of the concatenated checksums. It is fault.Invalid if the algorithm has no
// Composite form, if there are no parts or too many, or if a part has no value of the
// algorithm.
func Compose(a Algorithm, parts []Value) (Value, error) {
	if !a.Allows(Composite) || len(parts) == 0 || len(parts) > MaxParts {
		return Value{}, invalid(a)
	}
	h := New(a)
	for _, p := range parts {
		if p.Algorithm != a {
			return Value{}, invalid(a)
		}
		h.Write(p.Sum())
	}
	v := Of(a, h.Sum(nil))
	v.Type, v.Parts = Composite, len(parts)
	return v, nil
}

// Combine returns the FullObject value of the concatenated parts without their bytes.
// Only the CRCs allow it. It is fault.Invalid for other algorithms, if there are no
// parts, or if a part has no value of the algorithm or a negative length.
func Combine(a Algorithm, parts []Part) (Value, error) {
	crc, ok := crcs[a]
	if !ok || len(parts) == 0 {
		return Value{}, invalid(a)
	}
	var sum, shift uint64
	length := int64(-1) // that shift is for: parts mostly have the same length
	for _, p := range parts {
		if p.Value.Algorithm != a || p.Length < 0 {
			return Value{}, invalid(a)
		}
		if p.Length != length {
			length, shift = p.Length, crc.zeros(uint64(p.Length))
		}
		sum = crc.multiply(shift, sum) ^ p.Value.number()
	}
	return ofNumber(a, sum), nil
}

// number is the sum of a CRC as the integer it is.
func (v Value) number() uint64 {
	if v.Algorithm.Size() == 4 {
		return uint64(binary.BigEndian.Uint32(v.sum[:]))
	}
	return binary.BigEndian.Uint64(v.sum[:])
}

func ofNumber(a Algorithm, sum uint64) Value {
	v := Value{Algorithm: a, Type: FullObject}
	if a.Size() == 4 {
		binary.BigEndian.PutUint32(v.sum[:], uint32(sum))
	} else {
		binary.BigEndian.PutUint64(v.sum[:], sum)
	}
	return v
}

// A crcField is where a CRC lives: polynomials over GF(2), modulo one of them. Bits
// are reflected, as in all CRCs here: the highest is the constant term.
//
// The CRC of A‖B is CRC(A) · x^(8·len(B)) + CRC(B). The initial and final inversions
// that all of them have cancel each other out (zlib, crc32_combine).
type crcField struct {
	modulus uint64 // without its highest term
	one     uint64 // the polynomial 1
}

var crcs = map[Algorithm]crcField{
	CRC32:     {modulus: crc32.IEEE, one: 1 << 31},
	CRC32C:    {modulus: crc32.Castagnoli, one: 1 << 31},
	CRC64NVME: {modulus: crc64nvme.NVME, one: 1 << 63},
}

// multiply is a · b.
func (f crcField) multiply(a, b uint64) (product uint64) {
	for bit := f.one; bit != 0 && a != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
			a ^= bit
		}
		b = f.double(b)
	}
	return product
}

// double is b · x.
func (f crcField) double(b uint64) uint64 {
	if b&1 != 0 {
		return b>>1 ^ f.modulus
	}
	return b >> 1
}

// zeros is x^(8n): multiplied by it, a CRC is as if n bytes followed.
func (f crcField) zeros(n uint64) uint64 {
	power := f.one
	square := f.one >> 8 // x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			power = f.multiply(square, power)
		}
		square = f.multiply(square, square)
	}
	return power
}
