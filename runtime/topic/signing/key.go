package signing

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
)

const (
	bits        = 2048
	idSize      = 32  // hexadecimal characters
	generations = 100 // of keys; a new one is made only when none can be read
)

// A key signs messages.
type key struct {
	id      string // idSize hexadecimal characters
	private *rsa.PrivateKey
}

// sign makes an RSA signature by PKCS #1 v1.5, which has no randomness.
func (k *key) sign(version, text string) (string, error) {
	var h crypto.Hash
	var digest []byte
	switch version {
	case "1":
		sum := sha1.Sum([]byte(text))
		h, digest = crypto.SHA1, sum[:]
	case "2":
		sum := sha256.Sum256([]byte(text))
		h, digest = crypto.SHA256, sum[:]
	default:
		return "", fault.New(fault.Invalid, "there is no signature version %q", version)
	}
	signature, err := rsa.SignPKCS1v15(nil, k.private, h, digest)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "signing a message")
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

// A sealed is the record of a key.
type sealed struct {
	ID      string
	Created time.Time
	Key     []byte // wrapped data key of the key ring
	Box     []byte // the private key as PKCS #8, in a keys.Box under the data key; the ID owns it
}

// A keyStore has the keys in the records, by generation: "1", "2" and so on. The lowest
// one that can be read signs.
type keyStore struct {
	ring  Keyring
	table *record.Table[sealed]
	now   func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	opened map[string]*key // by id
	broken map[string]bool // ids that could not be opened
}

func newKeyStore(c Config) *keyStore {
	return &keyStore{
		ring: c.Keys, table: record.NewTable[sealed](c.Records, "snskey"), now: c.Now, log: c.Log,
		opened: map[string]*key{}, broken: map[string]bool{},
	}
}

// any reports whether there is a key.
func (s *keyStore) any() bool { return len(s.table.Keys("")) > 0 }

// errUnreadable is the error of a key whose record is damaged.
var errUnreadable = fault.New(fault.Internal, "a signing key of SNS cannot be read")

// current returns the key that signs. If there is none, it makes it.
func (s *keyStore) current(ctx context.Context) (*key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := 1; n <= generations; n++ {
		k, err := s.generation(ctx, strconv.Itoa(n))
		if err == nil || !errors.Is(err, errUnreadable) {
			return k, err
		}
	}
	return nil, errUnreadable
}

// generation reads a key, or makes it. Who finds another runtime's, which was faster,
// takes that.
func (s *keyStore) generation(ctx context.Context, n string) (*key, error) {
	if r, ok := s.table.Get(n); ok {
		return s.open(r)
	}
	if s.table.State(n) == record.Unreadable {
		return nil, errUnreadable
	}
	k, r, err := s.generate()
	if err != nil {
		return nil, err
	}
	err = s.table.Create(ctx, n, r)
	if errors.Is(err, fault.Exists) {
		if r, ok := s.table.Get(n); ok {
			return s.open(r)
		}
		return nil, errUnreadable
	}
	if err != nil {
		return nil, err
	}
	s.opened[k.id] = k
	return k, nil
}

// generate makes a key and its record.
func (s *keyStore) generate() (*key, sealed, error) {
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, sealed{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, sealed{}, err
	}
	by, err := s.ring.DataKey("", "", "")
	if err != nil {
		return nil, sealed{}, err
	}
	var id [idSize / 2]byte
	rand.Read(id[:]) // never fails, says its documentation
	k := &key{id: hex.EncodeToString(id[:]), private: private}
	return k, sealed{ID: k.id, Created: s.now().UTC(), Key: by.Wrapped, Box: keys.Box(by.AEAD, der, k.id)}, nil
}

// open opens the key of a record. errUnreadable, and a line in the log the first time.
func (s *keyStore) open(r sealed) (*key, error) {
	if k := s.opened[r.ID]; k != nil {
		return k, nil
	}
	if s.broken[r.ID] {
		return nil, errUnreadable
	}
	private, err := s.unseal(r)
	if err != nil {
		s.broken[r.ID] = true
		s.log.Error("a signing key of SNS is damaged: messages that name it cannot be signed, and new ones are signed with another", "key", r.ID, "err", err)
		return nil, errUnreadable
	}
	k := &key{id: r.ID, private: private}
	s.opened[k.id] = k
	return k, nil
}

func (s *keyStore) unseal(r sealed) (*rsa.PrivateKey, error) {
	by, err := s.ring.Unwrap(r.Key)
	if err != nil {
		return nil, err
	}
	der, err := keys.Unbox(by, r.Box, r.ID)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.Size() != bits/8 {
		return nil, fault.New(fault.Invalid, "not an RSA key of %d bits", bits)
	}
	return private, nil
}

// byID returns the key of an id, also one that another runtime has just made.
// fault.NotFound.
func (s *keyStore) byID(ctx context.Context, id string) (*key, error) {
	k, err := s.recorded(id)
	if !errors.Is(err, fault.NotFound) {
		return k, err
	}
	// Nobody who publishes waits for this: strangers may ask for any id.
	if err := s.table.Refresh(ctx, "1"); err != nil && !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	return s.recorded(id)
}

// recorded looks for a key in the records. fault.NotFound.
func (s *keyStore) recorded(id string) (*key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.opened[id]; k != nil {
		return k, nil
	}
	for _, r := range s.table.List("") {
		if r.ID == id {
			return s.open(r)
		}
	}
	return nil, fault.New(fault.NotFound, "there is no signing key %q", id)
}
