package keys

import (
	"crypto/cipher"
	"crypto/rand"
)

// Box encrypts a text under a data key: what it returns is a nonce of 12 bytes, and
// the ciphertext. It opens for the same owner only, so that nobody can move it into the
// record of another one.
func Box(key cipher.AEAD, text []byte, owner string) []byte {
	nonce := make([]byte, nonceSize, nonceSize+len(text)+key.Overhead())
	rand.Read(nonce) // never fails, says its documentation
	return key.Seal(nonce, nonce, text, []byte(owner))
}

// Unbox returns the text of a box. ErrCiphertext when the box is damaged, or the key or
// the owner is another.
func Unbox(key cipher.AEAD, box []byte, owner string) ([]byte, error) {
	if len(box) < nonceSize {
		return nil, ErrCiphertext
	}
	text, err := key.Open(nil, box[:nonceSize], box[nonceSize:], []byte(owner))
	if err != nil {
		return nil, ErrCiphertext
	}
	return text, nil
}
