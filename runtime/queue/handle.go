package queue

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
)

// HandleCodec makes and reads the receipt handles of one queue. A handle is a single
// AES block, encrypted under a key that only this queue has: which message, which
// of its deliveries, and a mark. So nobody can make one up, a handle of another
// queue (or of an earlier queue of the same name) does not read, and no table of
// handles has to be kept or restored.
type HandleCodec struct{ block cipher.Block }

const handleMark = 0x51310001

// handleText is strict: of the texts that decode alike, only one is a handle.
var handleText = base64.StdEncoding.Strict()

// NewHandleCodec makes the handles of a queue from its key of 16 bytes.
func NewHandleCodec(key []byte) (HandleCodec, error) {
	b, err := aes.NewCipher(key)
	return HandleCodec{b}, err
}

// Encode returns the handle of a delivery.
func (h HandleCodec) Encode(number uint64, delivery uint32) string {
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], number)
	binary.BigEndian.PutUint32(b[8:], delivery)
	binary.BigEndian.PutUint32(b[12:], handleMark)
	h.block.Encrypt(b[:], b[:])
	return handleText.EncodeToString(b[:])
}

// Decode reads a handle; ok is false for any text Make did not return.
func (h HandleCodec) Decode(handle string) (number uint64, delivery uint32, ok bool) {
	var b [24]byte
	if len(handle) != 24 {
		return 0, 0, false
	}
	if n, err := handleText.Decode(b[:], []byte(handle)); err != nil || n != aes.BlockSize {
		return 0, 0, false
	}
	h.block.Decrypt(b[:aes.BlockSize], b[:aes.BlockSize])
	return binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:]) == handleMark
}
