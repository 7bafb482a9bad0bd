package secret

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"millrace/runtime/policy"
	"millrace/runtime/store/keys"
)

// A sealed is the record of a value.
type sealed struct {
	Created time.Time
	Box     []byte // the value under its KMS key: a byte for its form, then its bytes
}

// Forms of a value.
const (
	formString = 's'
	formBinary = 'b'
)

// seal encrypts a value of a version of a secret under the KMS key keyID, and stores it.
// It returns the key of the record. NotSealed, KeyDenied.
func (s *Secrets) seal(ctx context.Context, of Secret, who Caller, keyID, version string, v Value) (string, error) {
	form := byte(formString)
	if v.Binary {
		form = formBinary
	}
	name := keyID
	if name == "" {
		name = managedKey
	}
	k, err := s.ring.Key(ctx, name, of.Account, of.Region)
	if err == nil {
		err = mayUse(k, who, "GenerateDataKey", of.Region)
	}
	var box []byte
	if err == nil {
		box, err = s.ring.Encrypt(k, "GenerateDataKey", append([]byte{form}, v.Bytes...), sealContext(of, version))
	}
	if err != nil {
		return "", keyFailure(of, NotSealed, err)
	}
	key := of.ID + "/" + rand.Text()
	return key, s.values.Create(ctx, key, sealed{Created: s.nowMillis(), Box: box})
}

// unseal reads the value of a version. NotUnsealed, KeyDenied.
func (s *Secrets) unseal(ctx context.Context, of Secret, who Caller, v Version) (Value, error) {
	stored, err := s.values.Find(ctx, v.Value)
	if err != nil {
		return Value{}, err
	}
	k, err := s.ring.EncryptedBy(ctx, stored.Box, of.Region)
	if err == nil {
		err = mayUse(k, who, "Decrypt", of.Region)
	}
	var plain []byte
	if err == nil {
		plain, err = s.ring.Decrypt(k, "Decrypt", stored.Box, sealContext(of, v.ID))
	}
	if err != nil {
		return Value{}, keyFailure(of, NotUnsealed, err)
	}
	return Value{Bytes: plain[1:], Binary: plain[0] == formBinary}, nil
}

// managedKey is the key that AWS manages for an account's secrets.
const managedKey = "alias/aws/secretsmanager"

// sealContext is the encryption context: Secrets Manager User Guide, "Secret encryption
// and decryption".
func sealContext(of Secret, version string) keys.Context {
	return keys.Context{"SecretARN": of.ARN(), "SecretVersionId": version}
}

// mayUse asks the policy of a KMS key whether a caller of another account may use it.
func mayUse(k keys.Key, who Caller, op, region string) error {
	if k.Account == who.Principal.Account {
		return nil
	}
	return k.Allows(who.Principal, op, func() policy.Context {
		c := policy.Context{}
		if who.Context != nil {
			c = who.Context()
		}
		c.Set("kms:ViaService", service+"."+region+".amazonaws.com")
		return c
	})
}

func keyFailure(of Secret, r Reason, err error) error {
	var denied *policy.DeniedError
	if errors.As(err, &denied) {
		r = KeyDenied
	}
	return &Error{Reason: r, Secret: of.ARN(), Err: err}
}
