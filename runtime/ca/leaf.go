package ca

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/netip"
	"slices"
	"time"

	"millrace/runtime/fault"
)

const (
	// clients refuse server certificates that are valid for longer than 398 days
	leafValidity = 397 * day
	renewBefore  = 60 * day
)

// A Pair is a server's certificate and its private key, both as PEM. The key is a secret.
type Pair struct {
	Certificate []byte
	Key         []byte // PKCS #8
}

// Leaf returns a certificate for a server of these DNS names and addresses, with an RSA
// key, as the cipher suites of Amazon MQ need one. It is current when that is still good:
// of this authority, for the same names, and not near its end; else a new one, valid for
// 397 days. The zero Pair is never good.
func (a *Authority) Leaf(current Pair, names []string, ips []netip.Addr) (Pair, error) {
	if len(names)+len(ips) == 0 {
		return Pair{}, fault.New(fault.Missing, "A certificate needs a name or an address.")
	}
	r, err := a.load()
	if err != nil {
		return Pair{}, err
	}
	now := a.now()
	if r.good(current, names, ips, now) {
		return current, nil
	}
	if err := a.unexpired(r, now); err != nil {
		return Pair{}, err
	}
	return r.sign(names, ips, now)
}

// unexpired refuses to sign with a root that has run out.
func (a *Authority) unexpired(r *root, now time.Time) error {
	if now.Before(r.certificate.NotAfter) {
		return nil
	}
	return fault.New(fault.Invalid,
		"The certificate authority in %s has expired on %s. Check the clock, or remove the file to have a new one, which clients have to trust anew.",
		a.path, r.certificate.NotAfter.Format(time.DateOnly))
}

// good reports whether a pair can be used on.
func (r *root) good(p Pair, names []string, ips []netip.Addr, now time.Time) bool {
	cert, _, err := parsePair(slices.Concat(p.Certificate, p.Key))
	if err != nil || cert.CheckSignatureFrom(r.certificate) != nil {
		return false
	}
	var has []netip.Addr
	for _, ip := range cert.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			has = append(has, addr.Unmap())
		}
	}
	same := slices.Equal(cert.DNSNames, names) &&
		slices.EqualFunc(has, ips, func(a, b netip.Addr) bool { return a == b.Unmap() })
	// When the root ends first, a new leaf would be no better.
	young := now.Before(cert.NotAfter.Add(-renewBefore)) || now.Before(cert.NotAfter) && cert.NotAfter.Equal(r.certificate.NotAfter)
	return same && young && !now.Before(cert.NotBefore)
}

func (r *root) sign(names []string, ips []netip.Addr, now time.Time) (Pair, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return Pair{}, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Millrace"}},
		DNSNames:              names,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(leafValidity - backdate),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if template.NotAfter.After(r.certificate.NotAfter) {
		template.NotAfter = r.certificate.NotAfter
	}
	for _, ip := range ips {
		template.IPAddresses = append(template.IPAddresses, net.IP(ip.Unmap().AsSlice()))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, r.certificate, key.Public(), r.key)
	if err != nil {
		return Pair{}, fault.Wrap(fault.Invalid, err, "A certificate cannot be made for these names.")
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Certificate: encode(certificateBlock, der), Key: encode(keyBlock, private)}, nil
}
