package signing

import (
	"context"
	"crypto/cipher"
	"log/slog"
	"net"
	"sync"
	"time"

	"millrace/runtime/ca"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
	"millrace/runtime/topic/envelope"
)

const (
	// DefaultAddress is where certificates are served.
	DefaultAddress = "127.0.0.1:4567"

	recordWait = 10 * time.Second // for a record that another runtime has written
	logEvery   = time.Minute      // messages that cannot be signed
)

// A Keyring makes and unwraps the data keys that seal signing keys: *keys.Ring.
type Keyring interface {
	DataKey(keyID, account, region string) (keys.DataKey, error)
	Unwrap(wrapped []byte) (cipher.AEAD, error)
}

// A Config is what a signer rests on. Records, Keys and Authority are required.
type Config struct {
	Records   *record.Store
	Keys      Keyring
	Authority *ca.Authority // issues the certificates

	// Address is where certificates are served, host:port; "" for DefaultAddress.
	Address string

	// Host is the host of the URLs, with its port unless that is 443; "{region}" in it
	// stands for the region. "sns.{region}.amazonaws.com" satisfies verifiers that insist
	// on a host of AWS. "" for the host and port of Address, and localhost where that is
	// every interface.
	Host string

	// Listen listens in another way than net.Listen at Address, and maybe at another port,
	// which the URLs then have; nil for that.
	Listen func(context.Context) (net.Listener, error)

	Now func() time.Time // the wall clock; nil for time.Now
	Log *slog.Logger     // nil for none
}

// A Signer signs messages and serves certificates. It is a lifecycle.Part, which may start
// again; what is not about the server works also while it is stopped. It is safe for
// concurrent use.
type Signer struct {
	keys   *keyStore
	cache  cache
	server *server
	log    *slog.Logger
	now    func() time.Time

	mu     sync.Mutex // guards logged
	logged time.Time  // when it was last told that a message could not be signed
}

// New returns a signer. Start lets it serve certificates.
func New(c Config) *Signer {
	if c.Address == "" {
		c.Address = DefaultAddress
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	store := newKeyStore(c)
	return &Signer{keys: store, server: newServer(c, store), log: c.Log, now: c.Now}
}

// Start implements lifecycle.Part.
func (s *Signer) Start(ctx context.Context) error { return s.server.Start(ctx) }

// Stop implements lifecycle.Part.
func (s *Signer) Stop(ctx context.Context) error { return s.server.Stop(ctx) }

// URL is where the certificate of the present key is served, for messages of topics in a
// region. The first call ever makes the key, which takes a moment. It is the same until
// the records are removed, also when the address cannot be listened at: that is logged,
// and tried again. fault.Unavailable when the key can be neither read nor stored.
func (s *Signer) URL(ctx context.Context, region string) (string, error) {
	k, err := s.keys.current(ctx)
	if err != nil {
		return "", err
	}
	s.server.listen()
	return s.server.url(k.id, region), nil
}

// Sign signs a text with the key of an id. version is "1" (SHA-1) or "2" (SHA-256). The
// signature is in base64, envelope.SignatureSize characters, and the same for the same
// arguments. fault.NotFound for an unknown key, fault.Invalid for another version.
func (s *Signer) Sign(keyID, version, text string) (string, error) {
	return s.cache.get(keyID, version, text, func() (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), recordWait)
		defer cancel()
		k, err := s.keys.byID(ctx, keyID)
		if err != nil {
			return "", err
		}
		return k.sign(version, text)
	})
}

// Finish signs a document of package envelope that is not signed yet; its length stays the
// same. What needs no signature is returned as it is, and so is what cannot be signed: the
// log says why.
func (s *Signer) Finish(body string) string {
	finished, err := envelope.Finish(body, s.Sign)
	if err != nil && s.mayLog() {
		s.log.Error("a message cannot be signed and is delivered without a signature", "err", err)
	}
	return finished
}

func (s *Signer) mayLog() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if d := now.Sub(s.logged); !s.logged.IsZero() && d >= 0 && d < logEvery {
		return false
	}
	s.logged = now
	return true
}
