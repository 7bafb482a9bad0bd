package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"
)

// What is sealed describes itself:
//
//	version    1 byte, 1
//	kind       1 byte
//	key        16 bytes: the KMS key's id; zero for the root key
//	nonce      12 bytes, random
//	box        what AES-256-GCM makes of the secret, 16 bytes longer than it
//
// All before the nonce is additional data, and so is the context, which is not
// kept with it.
const (
	sealVersion = 1
	headerSize  = 2 + 16
	nonceSize   = 12
	sealSize    = headerSize + nonceSize + 16 // beside the secret itself
)

// A kind says what a sealed secret is, so that none passes for another.
type kind byte

const (
	material   kind = 1 // of a KMS key, under the root key; the id is the key's own
	dataKey    kind = 2 // of the runtime, under the root key or a KMS key
	ciphertext kind = 3 // of a client of KMS
)

// NewAEAD is AES-256-GCM under key, which has 32 bytes. Nonces have 12.
func NewAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only for keys of another length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for blocks of another length
	}
	return aead
}

func seal(under cipher.AEAD, k kind, id keyID, context, secret []byte) []byte {
	out := make([]byte, headerSize+nonceSize, sealSize+len(secret))
	out[0], out[1] = sealVersion, byte(k)
	copy(out[2:], id[:])
	nonce := out[headerSize:]
	rand.Read(nonce) // never fails, says its documentation
	return under.Seal(out, nonce, secret, additional(out[:headerSize], context))
}

// sealedBy reads which key sealed something of a kind; ok is false for what is
// not of that kind, or not sealed here at all.
func sealedBy(sealed []byte, k kind) (id keyID, ok bool) {
	if len(sealed) < sealSize || sealed[0] != sealVersion || kind(sealed[1]) != k {
		return keyID{}, false
	}
	return keyID(sealed[2:headerSize]), true
}

// unseal opens what seal made, whose kind has been looked at. ErrCiphertext when
// a bit of it, the key or the context is another.
func unseal(under cipher.AEAD, sealed, context []byte) ([]byte, error) {
	header, nonce, box := sealed[:headerSize], sealed[headerSize:headerSize+nonceSize], sealed[headerSize+nonceSize:]
	secret, err := under.Open(nil, nonce, box, additional(header, context))
	if err != nil {
		return nil, ErrCiphertext
	}
	return secret, nil
}

func additional(header, context []byte) []byte {
	return append(header[:len(header):len(header)], context...)
}

// A Context is KMS's encryption context: not secret, and needed to decrypt.
type Context map[string]string

// canonical is the same for equal contexts alone, whatever their order.
func (c Context) canonical() []byte {
	var b []byte
	for _, k := range slices.Sorted(maps.Keys(c)) {
		for _, s := range []string{k, c[k]} {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
	}
	return b
}
