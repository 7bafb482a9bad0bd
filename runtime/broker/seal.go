package broker

import (
	"crypto/cipher"
	"errors"

	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
)

// A Keyring makes and unwraps the data keys that seal passwords: *keys.Ring.
type Keyring interface {
	DataKey(keyID, account, region string) (keys.DataKey, error)
	Unwrap(wrapped []byte) (cipher.AEAD, error)

	// Watch has changed called whenever what a key may be used for may have changed.
	// changed must not block.
	Watch(changed func())
}

// Sealed is a password in a box (keys.Box) under the data key of its broker, whose id
// is the owner: no password works in the record of another broker.
type Sealed []byte

// A sealer seals and opens the passwords of one broker.
type sealer struct {
	id   string
	aead cipher.AEAD
}

// newKey makes the data key of a new broker, under the KMS key that its encryption names.
func newKey(ring Keyring, b *Broker) (sealer, error) {
	name := ""
	if !b.Encryption.Owned {
		name = b.Encryption.KeyID
		if name == "" {
			name = "alias/aws/mq"
		}
	}
	k, err := ring.DataKey(name, b.Account, b.Region)
	if err != nil {
		return sealer{}, keyRefusal(err)
	}
	b.Key = k.Wrapped
	return sealer{b.ID, k.AEAD}, nil
}

// keyRefusal tells the client what is wrong with the key that it named.
func keyRefusal(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code == fault.Internal || f.Code == fault.Unavailable {
		return err
	}
	code := fault.Invalid
	if f.Code == fault.Denied {
		code = fault.Denied
	}
	return refuse(code, "encryptionOptions", "The KMS key cannot be used: %s", f.What)
}

func sealerOf(ring Keyring, b *Broker) (sealer, error) {
	aead, err := ring.Unwrap(b.Key)
	return sealer{b.ID, aead}, err
}

func (s sealer) seal(password string) Sealed {
	return keys.Box(s.aead, []byte(password), s.id)
}

func (s sealer) open(box Sealed) (string, error) {
	text, err := keys.Unbox(s.aead, box, s.id)
	return string(text), err
}
