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

// A Keyring makes and finds the keys that what senders gave is stored under;
// *keys.Ring is one.
type Keyring interface {
	// DataKey makes a data key under a KMS key, or with "" under the root key.
	DataKey(keyID, account, region string) (keys.DataKey, error)
	// Unwrap finds a data key again by its wrapped form.
	Unwrap(wrapped []byte) (cipher.AEAD, error)
}

// managedReuse is how long a data key is used on queues whose encryption SQS
// manages; where the user's KMS key is in use, the user says how long.
const managedReuse = 5 * time.Minute

// A safe holds the data keys that a queue works with. Each is used, for sealing
// and for opening, as long as the queue allows (KmsDataKeyReusePeriodSeconds);
// then KMS is asked again, and may refuse.
type safe struct {
	ring Keyring // nil stores all in clear
	id   queue.ID

	now atomic.Pointer[sealing] // what new contents are sealed with

	mu    sync.Mutex // guards known; held while KMS is asked
	known map[string]opening
}

type sealing struct {
	queue.ContentKey
	under string // the KMS key, "" for the root key
	clear bool   // not sealed at all
	until time.Time
}

type opening struct {
	name  string // the map's own, so that all who use the key share it
	aead  cipher.AEAD
	until time.Time
}

// manyKeys is from when on expired keys are forgotten.
const manyKeys = 64

// protection reads from a configuration how contents are to be stored.
func protection(c *queue.Config) (under string, clear bool, reuse time.Duration) {
	under = c.Texts["KmsMasterKeyId"]
	if under == "" {
		return "", c.Texts["SqsManagedSseEnabled"] != "true", managedReuse
	}
	seconds, _ := strconv.Atoi(c.Texts["KmsDataKeyReusePeriodSeconds"]) // checked when it was set
	return under, false, time.Duration(seconds) * time.Second
}

// prepare makes sure that there is a key to seal new contents with. Its errors
// are those of keys.Ring.
func (s *safe) prepare(c *queue.Config) error {
	if s.ring == nil {
		return nil
	}
	under, clear, reuse := protection(c)
	now := time.Now()
	fits := func(k *sealing) bool {
		return k != nil && k.under == under && k.clear == clear && (clear || now.Before(k.until))
	}
	if fits(s.now.Load()) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fits(s.now.Load()) {
		return nil
	}
	next := &sealing{under: under, clear: clear, until: now.Add(reuse)}
	if !clear {
		k, err := s.ring.DataKey(under, s.id.Account, s.id.Region)
		if err != nil {
			return err
		}
		next.ContentKey = queue.ContentKey{Name: string(k.Wrapped), AEAD: k.AEAD}
		s.remember(now, opening{next.Name, k.AEAD, next.until})
	}
	s.now.Store(next)
	return nil
}

// key is what prepare made; it works until the entry is sealed.
func (s *safe) key() queue.ContentKey {
	if k := s.now.Load(); k != nil {
		return k.ContentKey
	}
	return queue.ContentKey{}
}

// open finds the key of contents; the zero opening for those in clear.
func (s *safe) open(name string, c *queue.Config) (opening, error) {
	if name == "" || s.ring == nil {
		return opening{}, nil
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
		return opening{}, err
	}
	_, _, reuse := protection(c)
	if !ok {
		k.name = string([]byte(name)) // not a window on an entry
	}
	k.aead, k.until = aead, now.Add(reuse)
	s.remember(now, k)
	return k, nil
}

func (s *safe) remember(now time.Time, k opening) {
	if s.known == nil {
		s.known = map[string]opening{}
	}
	if len(s.known) >= manyKeys {
		for name, old := range s.known {
			if !now.Before(old.until) {
				delete(s.known, name)
			}
		}
	}
	s.known[k.name] = k
}

// read opens the contents of an entry.
func (q *Queue) read(e *queue.Entry) (queue.Plaintext, error) {
	k, err := q.safe.open(e.KeyName, q.config.Load())
	if err != nil {
		return queue.Plaintext{}, err
	}
	e.KeyName = k.name
	return e.Decrypt(k.aead)
}
