package checksum

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"millrace/runtime/fault"
)

// An ETag is what S3 names the content of an object by: the MD5 of its bytes, or of an
// upload in parts the MD5 of the parts' MD5s and their number. ETags are comparable
// with ==.
type ETag struct {
	MD5   [md5.Size]byte
	Parts int // 1 to MaxParts; 0 for an object that was put in one piece
}

// MultipartETag is the ETag of an object of these parts, in their order.
func MultipartETag(parts []ETag) ETag {
	h := md5.New()
	for _, p := range parts {
		h.Write(p.MD5[:])
	}
	e := ETag{Parts: len(parts)}
	h.Sum(e.MD5[:0])
	return e
}

// String is the ETag without quotation marks: lower-case hexadecimal digits, with "-N"
// behind those of N parts.
func (e ETag) String() string { return string(e.appendText(nil)) }

// Quoted is the ETag in quotation marks, as headers and documents have it.
func (e ETag) Quoted() string {
	return string(append(e.appendText([]byte{'"'}), '"'))
}

func (e ETag) appendText(b []byte) []byte {
	b = hex.AppendEncode(b, e.MD5[:])
	if e.Parts > 0 {
		b = strconv.AppendInt(append(b, '-'), int64(e.Parts), 10)
	}
	return b
}

// AppendBinary appends the ETag as it is stored: the MD5, and the number of parts as a
// uvarint; 17 or 18 bytes. The error is always nil.
func (e ETag) AppendBinary(b []byte) ([]byte, error) {
	return binary.AppendUvarint(append(b, e.MD5[:]...), uint64(e.Parts)), nil
}

// DecodeETag reads what AppendBinary has written at the start of b, and returns what is
// behind it. Anything else is fault.Invalid.
func DecodeETag(b []byte) (e ETag, rest []byte, err error) {
	if len(b) < md5.Size {
		return ETag{}, nil, errNotETag
	}
	b = b[copy(e.MD5[:], b):]
	parts, n := binary.Uvarint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 || parts > MaxParts {
		return ETag{}, nil, errNotETag
	}
	e.Parts = int(parts)
	return e, b[n:], nil
}

var errNotETag = fault.New(fault.Invalid, "not a stored ETag")
