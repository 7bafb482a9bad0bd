package checksum

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"millrace/runtime/fault"
)

// MaxParts is the largest number of parts that an upload may have.
const MaxParts = 10_000

// A Value is a checksum: of bytes, or of the checksums of parts. The zero Value is
// none. Values are comparable with ==.
type Value struct {
	Algorithm Algorithm
	Type      Type
	Parts     int // of a Composite value, 1 to MaxParts; else 0
	sum       [MaxSize]byte
}

// Of is the FullObject value of a sum that a hash of the algorithm has computed. It
// panics if the sum has another length.
func Of(a Algorithm, sum []byte) Value {
	if !a.Valid() || len(sum) != a.Size() {
		panic("checksum: " + strconv.Itoa(len(sum)) + " bytes are no " + a.String())
	}
	v := Value{Algorithm: a, Type: FullObject}
	copy(v.sum[:], sum)
	return v
}

// ParseValue reads a FullObject value as its header has it: base64 of exactly the
// algorithm's size. Anything else is fault.Invalid.
func ParseValue(a Algorithm, text string) (Value, error) {
	size := a.Size()
	if !a.Valid() || len(text) != base64.StdEncoding.EncodedLen(size) {
		return Value{}, invalid(a)
	}
	var sum [MaxSize + 2]byte // DecodedLen counts the padding
	n, err := base64.StdEncoding.Decode(sum[:], []byte(text))
	if err != nil || n != size {
		return Value{}, invalid(a)
	}
	return Of(a, sum[:n]), nil
}

// ParseComposite reads a Composite value, "BASE64-N" with N parts. Without "-N" the
// value has Parts 0, which the caller knows. Anything else is fault.Invalid.
func ParseComposite(a Algorithm, text string) (Value, error) {
	text, count, counted := strings.Cut(text, "-") // standard base64 has no "-"
	v, err := ParseValue(a, text)
	if err != nil || !a.Allows(Composite) {
		return Value{}, invalid(a)
	}
	v.Type = Composite
	if counted {
		if v.Parts, err = parseParts(count); err != nil {
			return Value{}, invalid(a)
		}
	}
	return v, nil
}

func invalid(a Algorithm) error {
	return fault.New(fault.Invalid, "not a checksum of algorithm %q", a)
}

// parseParts reads a number of parts in its one decimal form.
func parseParts(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > MaxParts || strconv.Itoa(n) != text {
		return 0, fault.New(fault.Invalid, "not a number of parts: %q", text)
	}
	return n, nil
}

// IsZero reports whether v is none.
func (v Value) IsZero() bool { return v == Value{} }

// Sum is the checksum's bytes, in AWS's order.
func (v Value) Sum() []byte { return v.sum[:v.Algorithm.Size()] }

// Base64 is the sum as headers have it, without a number of parts.
func (v Value) Base64() string { return base64.StdEncoding.EncodeToString(v.Sum()) }

// String is the value as S3 answers it: base64, with "-N" behind a Composite one of N
// parts.
func (v Value) String() string {
	if v.Type == Composite && v.Parts > 0 {
		return v.Base64() + "-" + strconv.Itoa(v.Parts)
	}
	return v.Base64()
}

// compositeBit is set in the first byte of a stored Composite value.
const compositeBit = 0x80

// AppendBinary appends the value as it is stored: the algorithm in a byte, whose top
// bit says Composite; then, of a Composite value alone, the number of parts as a
// uvarint; then the sum. That is 1 + Size bytes, and up to 3 + Size of a Composite
// value. The zero Value is one byte. The error is always nil.
func (v Value) AppendBinary(b []byte) ([]byte, error) {
	if v.Type == Composite {
		b = append(b, byte(v.Algorithm)|compositeBit)
		b = binary.AppendUvarint(b, uint64(v.Parts))
	} else {
		b = append(b, byte(v.Algorithm))
	}
	return append(b, v.Sum()...), nil
}

// DecodeValue reads what AppendBinary has written at the start of b, and returns what
// is behind it. Anything else is fault.Invalid.
func DecodeValue(b []byte) (v Value, rest []byte, err error) {
	if len(b) == 0 {
		return Value{}, nil, errNotStored
	}
	first, b := b[0], b[1:]
	if first == byte(None) {
		return Value{}, b, nil
	}
	v = Value{Algorithm: Algorithm(first &^ compositeBit), Type: FullObject}
	if first&compositeBit != 0 {
		parts, n := binary.Uvarint(b)
		if n <= 0 || n > 1 && b[n-1] == 0 || parts > MaxParts || !v.Algorithm.Allows(Composite) {
			return Value{}, nil, errNotStored
		}
		v.Type, v.Parts, b = Composite, int(parts), b[n:]
	}
	size := v.Algorithm.Size()
	if !v.Algorithm.Valid() || len(b) < size {
		return Value{}, nil, errNotStored
	}
	copy(v.sum[:], b[:size])
	return v, b[size:], nil
}

var errNotStored = fault.New(fault.Invalid, "not a stored checksum")
