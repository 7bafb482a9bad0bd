// Package digest computes the MD5 digests by which SQS clients check what they
// sent and received. The official SDKs refuse a reply whose digest is wrong.
//
// The scheme of attribute digests is that of the SQS Developer Guide, "Calculating
// the MD5 message digest for message attributes".
package digest

import (
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unsafe"

	"millrace/runtime/queue"
)

// Sum is the digest of a body.
func Sum(body string) [md5.Size]byte {
	return md5.Sum(unsafe.Slice(unsafe.StringData(body), len(body))) // only read
}

// Body is the digest of a message's body as SQS returns it: 32 lower-case
// hexadecimal digits.
func Body(m *queue.Message) string {
	if m.MD5 == [md5.Size]byte{} {
		return digits(Sum(m.Body))
	}
	return digits(m.MD5)
}

func digits(sum [md5.Size]byte) string {
	var text [2 * md5.Size]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}

// Attributes is the digest of message attributes, in any order; "" for none.
// Message system attributes use the same scheme, on their own.
func Attributes(attributes []queue.Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	byName := func(a, b queue.Attribute) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(attributes, byName) {
		attributes = slices.SortedFunc(slices.Values(attributes), byName)
	}
	var text []byte
	for _, a := range attributes {
		text = field(text, a.Name)
		text = field(text, a.DataType)
		text = append(text, transport(a.DataType))
		text = field(text, string(a.Value))
	}
	return digits(md5.Sum(text))
}

// field appends s, prefixed with its length.
func field(text []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(text, uint32(len(s))), s...)
}

// transport is how a value is encoded: 1 as text, 2 as bytes. A label, as in
// "Binary.png", makes no difference.
func transport(dataType string) byte {
	if kind, _, _ := strings.Cut(dataType, "."); kind == "Binary" {
		return 2
	}
	return 1
}
