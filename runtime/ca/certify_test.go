package ca

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"

	"millrace/runtime/fault"
)

func TestCertifyNamesAKeyForAsLongAsTheRootIsGood(t *testing.T) {
	now := start
	a := authority(t, t.TempDir(), &now)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text, err := a.Certify(key.Public(), "sns.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || len(rest) > 0 {
		t.Fatalf("not one PEM block: %q", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.CommonName != "sns.amazonaws.com" || !key.PublicKey.Equal(cert.PublicKey) || cert.IsCA {
		t.Errorf("it is for %v, authority %v", cert.Subject, cert.IsCA)
	}
	root, err := a.Root()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	options := x509.VerifyOptions{DNSName: "sns.amazonaws.com", Roots: roots, CurrentTime: now.Add(9 * 365 * day), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := cert.Verify(options); err != nil {
		t.Error(err)
	}

	now = now.Add(11 * 365 * day)
	if _, err := a.Certify(key.Public(), "sns.amazonaws.com"); !errors.Is(err, fault.Invalid) {
		t.Errorf("an authority that has run out says %v", err)
	}
}
