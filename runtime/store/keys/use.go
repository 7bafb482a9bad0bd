package keys

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"millrace/runtime/policy"
)

// A DataKey encrypts what is stored.
type DataKey struct {
	// Wrapped is the key as it is stored beside what it encrypts: 78 bytes that
	// say which key wrapped them, for Unwrap.
	Wrapped []byte
	// AEAD is AES-256-GCM. Its nonces have 12 bytes, and no nonce may be used
	// twice with one key; random ones are good for 2^32 messages.
	AEAD cipher.AEAD
}

// DataKey makes a new data key for an account in a region, wrapped by a KMS key:
// an id, an alias or the ARN of either. "" stands for the root key, which is what
// keeps the queues whose encryption SQS manages. ErrNotFound, ErrDisabled,
// ErrState, ErrUsage, and ErrAccess when the key is another account's.
func (r *Ring) DataKey(keyID, account, region string) (DataKey, error) {
	by, id, err := r.wrappingKey(keyID, account, region)
	if err != nil {
		return DataKey{}, err
	}
	secret := make([]byte, keySize)
	rand.Read(secret) // never fails, says its documentation
	return DataKey{Wrapped: seal(by, dataKey, id, nil, secret), AEAD: NewAEAD(secret)}, nil
}

// wrappingKey finds what wraps a data key.
func (r *Ring) wrappingKey(name, account, region string) (cipher.AEAD, keyID, error) {
	if name == "" {
		return r.wrap, keyID{}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	k, err := r.Key(ctx, name, account, region)
	if err != nil {
		return nil, keyID{}, err
	}
	if k.Account != account {
		root := policy.RootPrincipal(account)
		// Data keys for other accounts are those of their queues.
		context := func() policy.Context {
			return policy.Context{"aws:PrincipalArn": {root.ARN}, "kms:ViaService": {"sqs." + region + ".amazonaws.com"}}
		}
		if err := k.Allows(root, "GenerateDataKey", context); err != nil {
			return nil, keyID{}, err
		}
	}
	id, _ := parseID(k.ID)
	by, err := r.aead(k, "GenerateDataKey")
	return by, id, err
}

// Unwrap opens the wrapped form of a data key. The KMS key that wrapped it must
// be of use: ErrNotFound, ErrDisabled, ErrState. ErrCiphertext when wrapped is
// damaged, or was never made by DataKey under this root key.
func (r *Ring) Unwrap(wrapped []byte) (cipher.AEAD, error) {
	id, ok := sealedBy(wrapped, dataKey)
	if !ok {
		return nil, newError(ErrCiphertext, "what should be a wrapped data key is none, or damaged")
	}
	by := r.wrap
	if id != (keyID{}) {
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		defer cancel()
		k, ok := r.find(ctx, id.String())
		if !ok {
			return nil, newError(ErrNotFound, "Key '%s' does not exist", id)
		}
		var err error
		if by, err = r.aead(k, "Decrypt"); err != nil {
			return nil, err
		}
	}
	secret, err := unseal(by, wrapped, nil)
	if err != nil {
		return nil, newError(err, "a wrapped data key is damaged, or of another root key")
	}
	return NewAEAD(secret), nil
}

// Encrypt makes a ciphertext that Decrypt opens with the same context alone.
// Errors name op, the operation of KMS that it is a part of.
func (r *Ring) Encrypt(k Key, op string, plaintext []byte, c Context) ([]byte, error) {
	by, err := r.aead(k, op)
	if err != nil {
		return nil, err
	}
	id, _ := parseID(k.ID)
	return seal(by, ciphertext, id, c.canonical(), plaintext), nil
}

// EncryptedBy finds the key of a region that made a ciphertext. ErrCiphertext
// when it is none; ErrAccess when there is no such key, no longer, or in another
// region.
func (r *Ring) EncryptedBy(ctx context.Context, sealed []byte, region string) (Key, error) {
	id, ok := sealedBy(sealed, ciphertext)
	if !ok {
		return Key{}, ErrCiphertext
	}
	if k, ok := r.find(ctx, id.String()); ok && k.Region == region {
		return k, nil
	}
	return Key{}, newError(ErrAccess, "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
}

// Decrypt opens a ciphertext of a key, which EncryptedBy found. ErrCiphertext
// when a bit of it is damaged or the context is another. Errors name op, the
// operation of KMS that it is a part of.
func (r *Ring) Decrypt(k Key, op string, sealed []byte, c Context) ([]byte, error) {
	by, err := r.aead(k, op)
	if err != nil {
		return nil, err
	}
	return unseal(by, sealed, c.canonical())
}

// MAC makes the HMAC of a message with a key of an HMAC spec. Errors name op, the
// operation of KMS that it is a part of.
func (r *Ring) MAC(k Key, op string, message []byte) ([]byte, error) {
	if err := k.usable(r.now()); err != nil {
		return nil, err
	}
	newHash := map[Spec]func() hash.Hash{HMAC224: sha256.New224, HMAC256: sha256.New, HMAC384: sha512.New384, HMAC512: sha512.New}[k.Spec]
	if newHash == nil {
		return nil, k.otherUse(op)
	}
	secret, err := r.open(k)
	if err != nil {
		return nil, err
	}
	h := hmac.New(newHash, secret)
	h.Write(message)
	return h.Sum(nil), nil
}
