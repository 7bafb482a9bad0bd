// Package ca is the certificate authority of one data folder: it signs the certificates
// with which brokers show who they are, and clients that trust its root can check them.
//
// Runtimes that share a cluster do not share an authority: each has the root of its own
// data folder.
package ca

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/store/atomicfile"
)

const (
	// File is what the authority keeps in the data folder: its certificate and its key,
	// as PEM, mode 0600. The key is not sealed: the keys of brokers lie next to it in the
	// clear, as their software reads them, and a key to seal it with would too.
	File = "ca.pem"

	rootValidity = 10 * 365 * day
	backdate     = day // for clients whose clock is behind
	day          = 24 * time.Hour
	bits         = 2048 // as Amazon Root CA 1 has
)

// An Authority signs certificates. It is safe for concurrent use. Nothing is read or made
// before it is asked for something: most runtimes never need one.
type Authority struct {
	path string
	now  func() time.Time

	mu   sync.Mutex
	root *root // nil until it was needed
}

type root struct {
	certificate *x509.Certificate
	pem         []byte
	key         crypto.Signer
}

// New returns the authority of a data folder. now is the wall clock.
func New(folder string, now func() time.Time) *Authority {
	return &Authority{path: filepath.Join(folder, File), now: now}
}

// Root returns the authority's own certificate as PEM, for clients to trust. The first
// call in a data folder makes it. It is never replaced: when it has expired, or its file
// is damaged, the error says what to do.
func (a *Authority) Root() ([]byte, error) {
	r, err := a.load()
	if err != nil {
		return nil, err
	}
	return bytes.Clone(r.pem), nil
}

// load reads the root, or makes it.
func (a *Authority) load() (*root, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.root != nil {
		return a.root, nil
	}
	data, err := os.ReadFile(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = a.create()
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "The certificate authority in %s cannot be read or made.", a.path)
	}
	r, err := parse(data)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err,
			"The certificate authority in %s is damaged. Restore the file, or remove it to have a new one, which clients have to trust anew.", a.path)
	}
	a.root = r
	return r, nil
}

// create makes the file of a new root, unless another process was first.
func (a *Authority) create() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, err
	}
	now := a.now()
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Millrace"}, CommonName: "Millrace local CA " + now.UTC().Format("2006-01-02 15:04:05")},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(rootValidity),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	data := append(encode(certificateBlock, der), encode(keyBlock, private)...)
	err = atomicfile.Create(a.path, data)
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(a.path)
	}
	return data, err
}

// parse reads the file of a root.
func parse(data []byte) (*root, error) {
	cert, key, err := parsePair(data)
	if err != nil {
		return nil, err
	}
	if !cert.IsCA {
		return nil, errors.New("the certificate is not one of an authority")
	}
	return &root{certificate: cert, pem: encode(certificateBlock, cert.Raw), key: key}, nil
}

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY"
)

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// parsePair reads a certificate and the key that belongs to it, in either order.
func parsePair(data []byte) (*x509.Certificate, *rsa.PrivateKey, error) {
	var cert *x509.Certificate
	var key *rsa.PrivateKey
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case certificateBlock:
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			cert = c
		case keyBlock:
			k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			key, _ = k.(*rsa.PrivateKey)
		}
	}
	if cert == nil || key == nil {
		return nil, nil, errors.New("no certificate, or no RSA key")
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errors.New("the key is not the certificate's")
	}
	return cert, key, nil
}
