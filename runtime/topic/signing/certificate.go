package signing

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"millrace/runtime/ca"
	"millrace/runtime/fault"
	"millrace/runtime/topic/envelope"
)

const (
	certName    = "sns.amazonaws.com" // whom the certificate is for
	renewBefore = 24 * time.Hour
)

// certificates answers requests for the certificates of keys.
type certificates struct {
	authority *ca.Authority
	keys      *keyStore
	now       func() time.Time
	log       *slog.Logger

	mu   sync.Mutex
	made map[string]certificate // by id of the key
}

type certificate struct {
	pem   []byte
	until time.Time
}

func newCertificates(c Config, k *keyStore) *certificates {
	return &certificates{authority: c.Authority, keys: k, now: c.Now, log: c.Log, made: map[string]certificate{}}
}

// ServeHTTP implements http.Handler: it has certificates, and nothing else.
func (c *certificates) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := envelope.KeyID(r.URL.Path)
	if r.URL.Path != "/"+envelope.CertFile(id) || !isID(id) {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	text, err := c.of(r.Context(), id)
	switch {
	case errors.Is(err, fault.NotFound):
		http.NotFound(w, r)
		return
	case err != nil:
		c.log.Error("the certificate of SNS signatures cannot be served", "err", err)
		http.Error(w, "the certificate cannot be read for now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(text)
	}
}

// isID reports whether a text can be the id of a key.
func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == idSize
}

// of is the certificate of a key, as PEM.
func (c *certificates) of(ctx context.Context, id string) ([]byte, error) {
	k, err := c.keys.byID(ctx, id)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.made[id]; ok && c.now().Before(have.until) {
		return have.pem, nil
	}
	text, err := c.authority.Certify(k.private.Public(), certName)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	c.made[id] = certificate{text, parsed.NotAfter.Add(-renewBefore)}
	return text, nil
}
