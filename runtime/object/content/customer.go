package content

import (
	"crypto/cipher"
	"crypto/rand"

	"millrace/runtime/store/keys"
)

// A CustomerKey is the AES-256 key that a client sends along (SSE-C). It is a keyring
// of its own: each content gets a data key, which it wraps.
type CustomerKey [32]byte

// wrapped is what the wrapped form of a customer's data key begins with.
var wrapped = []byte("millrace sse-c 1")

// DataKey makes a new data key.
func (c *CustomerKey) DataKey() keys.DataKey {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails, says its documentation
	nonce := make([]byte, 12)
	rand.Read(nonce)
	box := append(wrapped[:len(wrapped):len(wrapped)], nonce...)
	return keys.DataKey{Wrapped: keys.NewAEAD(c[:]).Seal(box, nonce, secret, wrapped), AEAD: keys.NewAEAD(secret)}
}

// Unwrap opens a wrapped data key. keys.ErrCiphertext when another key wrapped it.
func (c *CustomerKey) Unwrap(box []byte) (cipher.AEAD, error) {
	at := len(wrapped)
	if len(box) < at+12 || string(box[:at]) != string(wrapped) {
		return nil, keys.ErrCiphertext
	}
	secret, err := keys.NewAEAD(c[:]).Open(nil, box[at:at+12], box[at+12:], wrapped)
	if err != nil || len(secret) != 32 {
		return nil, keys.ErrCiphertext
	}
	return keys.NewAEAD(secret), nil
}
