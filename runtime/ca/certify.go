package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
)

// Certify returns a certificate as PEM for a key that signs messages, not connections, in
// the name of name. It is good for as long as the authority is.
func (a *Authority) Certify(key crypto.PublicKey, name string) ([]byte, error) {
	r, err := a.load()
	if err != nil {
		return nil, err
	}
	now := a.now()
	if err := a.unexpired(r, now); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Millrace"}, CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             now.Add(-backdate),
		NotAfter:              r.certificate.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, r.certificate, key, r.key)
	if err != nil {
		return nil, err
	}
	return encode(certificateBlock, der), nil
}
