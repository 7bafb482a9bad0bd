package queue

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
)

// HandleCodec encodes and decodes the receipt handles of one queue. A handle is a
// single AES block, encrypted under a key of this queue: the message, the delivery,
// and a magic number. So no handle can be forged, a handle of another queue (or of
// an earlier one of the same name) does not decode, and no table of handles has to
// be stored.
type HandleCodec struct{ block cipher.Block }

const handleMagic = 0x51310001

// handleEncoding is strict: of the texts that decode to the same bytes, only one is
// a handle.
var handleEncoding = base64.StdEncoding.Strict()

// NewHandleCodec makes the codec of a queue from its 16-byte key.
func NewHandleCodec(key []byte) (HandleCodec, error) {
	b, err := aes.NewCipher(key)
	return HandleCodec{b}, err
}

// Encode returns the handle of a delivery.
func (h HandleCodec) Encode(number uint64, delivery uint32) string {
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], number)
	binary.BigEndian.PutUint32(b[8:], delivery)
	binary.BigEndian.PutUint32(b[12:], handleMagic)
	h.block.Encrypt(b[:], b[:])
	return handleEncoding.EncodeToString(b[:])
}

// Decode reads a handle; ok is false for any text that Encode did not return.
func (h HandleCodec) Decode(handle string) (number uint64, delivery uint32, ok bool) {
	var b [24]byte
	if len(handle) != 24 {
		return 0, 0, false
	}
	if n, err := handleEncoding.Decode(b[:], []byte(handle)); err != nil || n != aes.BlockSize {
		return 0, 0, false
	}
	h.block.Decrypt(b[:aes.BlockSize], b[:aes.BlockSize])
	return binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:]) == handleMagic
}
