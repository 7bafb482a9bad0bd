package jetqueue

import (
	"crypto/cipher"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"millrace/runtime/queue"
	"millrace/runtime/store/keys"
)

// A Keyring makes and unwraps the data keys that contents are encrypted with;
// *keys.Ring is one.
type Keyring interface {
	// DataKey makes a data key under a KMS key, or under the root key for "".
	DataKey(keyID, account, region string) (keys.DataKey, error)
	// Unwrap decrypts a wrapped data key.
	Unwrap(wrapped []byte) (cipher.AEAD, error)
}

// managedReuse is how long a data key is used on queues with SQS-managed encryption;
// for a customer's KMS key, KmsDataKeyReusePeriodSeconds says it.
const managedReuse = 5 * time.Minute

// A dataKeyCache holds the data keys that a queue uses. Each is used, to encrypt and
// to decrypt, as long as the queue allows (KmsDataKeyReusePeriodSeconds); then KMS
// is asked again, and may refuse.
type dataKeyCache struct {
	ring Keyring // nil stores all contents in clear
	id   queue.ID

	current atomic.Pointer[encryptionKey] // what new contents are encrypted with

	mu    sync.Mutex // guards known; held while KMS is called
	known map[string]decryptionKey
}

type encryptionKey struct {
	queue.ContentKey
	kmsKey    string // the KMS key, "" for the root key
	plaintext bool   // contents are stored in clear
	until     time.Time
}

type decryptionKey struct {
	name  string // the same string as the map's key, which entries share
	aead  cipher.AEAD
	until time.Time
}

// maxKnownKeys is how many keys are kept before expired ones are dropped.
const maxKnownKeys = 64

// encryptionSettings are what a configuration says about how contents are stored.
func encryptionSettings(c *queue.Config) (under string, clear bool, reuse time.Duration) {
	under = c.Texts["KmsMasterKeyId"]
	if under == "" {
		return "", c.Texts["SqsManagedSseEnabled"] != "true", managedReuse
	}
	seconds, _ := strconv.Atoi(c.Texts["KmsDataKeyReusePeriodSeconds"]) // validated when it was set
	return under, false, time.Duration(seconds) * time.Second
}

// ensureKey makes sure that there is a key to encrypt new contents with. Its errors
// are those of keys.Ring.
func (s *dataKeyCache) ensureKey(c *queue.Config) error {
	if s.ring == nil {
		return nil
	}
	under, clear, reuse := encryptionSettings(c)
	now := time.Now()
	fits := func(k *encryptionKey) bool {
		return k != nil && k.kmsKey == under && k.plaintext == clear && (clear || now.Before(k.until))
	}
	if fits(s.current.Load()) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fits(s.current.Load()) {
		return nil
	}
	next := &encryptionKey{kmsKey: under, plaintext: clear, until: now.Add(reuse)}
	if !clear {
		k, err := s.ring.DataKey(under, s.id.Account, s.id.Region)
		if err != nil {
			return err
		}
		next.ContentKey = queue.ContentKey{Name: string(k.Wrapped), AEAD: k.AEAD}
		s.remember(now, decryptionKey{next.Name, k.AEAD, next.until})
	}
	s.current.Store(next)
	return nil
}

// encryptionKey is the key that ensureKey made, even if it has expired since.
func (s *dataKeyCache) encryptionKey() queue.ContentKey {
	if k := s.current.Load(); k != nil {
		return k.ContentKey
	}
	return queue.ContentKey{}
}

// decryptionKeyFor finds the key of contents; the zero decryptionKey for contents in
// clear.
func (s *dataKeyCache) decryptionKeyFor(name string, c *queue.Config) (decryptionKey, error) {
	if name == "" || s.ring == nil {
		return decryptionKey{}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	k, ok := s.known[name]
	if ok && now.Before(k.until) {
		return k, nil
	}
	aead, err := s.ring.Unwrap([]byte(name))
	if err != nil {
		return decryptionKey{}, err
	}
	_, _, reuse := encryptionSettings(c)
	if !ok {
		k.name = string([]byte(name)) // a copy: name may be part of a whole entry
	}
	k.aead, k.until = aead, now.Add(reuse)
	s.remember(now, k)
	return k, nil
}

func (s *dataKeyCache) remember(now time.Time, k decryptionKey) {
	if s.known == nil {
		s.known = map[string]decryptionKey{}
	}
	if len(s.known) >= maxKnownKeys {
		for name, old := range s.known {
			if !now.Before(old.until) {
				delete(s.known, name)
			}
		}
	}
	s.known[k.name] = k
}

// decrypt decrypts the contents of an entry.
func (q *Queue) decrypt(e *queue.Entry) (queue.Plaintext, error) {
	k, err := q.dataKeys.decryptionKeyFor(e.KeyName, q.config.Load())
	if err != nil {
		return queue.Plaintext{}, err
	}
	e.KeyName = k.name
	return e.Decrypt(k.aead)
}
