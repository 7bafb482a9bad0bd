package ca

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"millrace/runtime/fault"
)

var (
	start     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	testNames = []string{"localhost", "b-1.mq.eu-west-1.amazonaws.com"}
	testIPs   = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
)

func authority(t *testing.T, folder string, now *time.Time) *Authority {
	t.Helper()
	return New(folder, func() time.Time { return *now })
}

func leaf(t *testing.T, a *Authority, current Pair) Pair {
	t.Helper()
	p, err := a.Leaf(current, testNames, testIPs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// verify checks a leaf as a client does that trusts the root.
func verify(t *testing.T, a *Authority, p Pair, name string, now time.Time) error {
	t.Helper()
	pem, err := a.Root()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("the root is no PEM")
	}
	pair, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now})
	return err
}

func TestClientsThatTrustTheRootAcceptItsLeaves(t *testing.T) {
	now := start
	a := authority(t, t.TempDir(), &now)
	p := leaf(t, a, Pair{})
	for _, name := range []string{"localhost", "127.0.0.1", testNames[1]} {
		if err := verify(t, a, p, name, now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := verify(t, a, p, "elsewhere.example", now); err == nil {
		t.Error("a name that the leaf does not have is accepted")
	}
	if err := verify(t, a, p, "localhost", now.Add(397*day)); err == nil {
		t.Error("the leaf is valid for more than 397 days")
	}
	cert, _, _ := parsePair(append(p.Certificate, p.Key...))
	if valid := cert.NotAfter.Sub(cert.NotBefore); valid > 397*day {
		t.Errorf("valid for %v", valid)
	}
}

func TestTheRootOutlivesRestarts(t *testing.T) {
	folder, now := t.TempDir(), start
	a := authority(t, folder, &now)
	p := leaf(t, a, Pair{})
	before, _ := a.Root()

	again := authority(t, folder, &now)
	if after, err := again.Root(); err != nil || !bytes.Equal(before, after) {
		t.Fatalf("another root after a restart, %v", err)
	}
	if bytes.Contains(before, []byte(keyBlock)) {
		t.Error("the root that clients get has its key")
	}
	if same := leaf(t, again, p); !bytes.Equal(same.Certificate, p.Certificate) {
		t.Error("a good leaf was replaced")
	}
	info, err := os.Stat(filepath.Join(folder, File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestLeavesAreRenewed(t *testing.T) {
	folder, now := t.TempDir(), start
	a := authority(t, folder, &now)
	p := leaf(t, a, Pair{})
	other, err := authority(t, t.TempDir(), &now).Leaf(Pair{}, testNames, testIPs)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		at      time.Time
		current Pair
		kept    bool
	}{
		{"young", start.Add(300 * day), p, true},
		{"near its end", start.Add(350 * day), p, false},
		{"over", start.Add(3 * 365 * day), p, false},
		{"the clock went back by an hour", start.Add(-time.Hour), p, true},
		{"the clock went back by a year", start.Add(-365 * day), p, false},
		{"of another authority", start, other, false},
		{"the key of another", start, Pair{p.Certificate, other.Key}, false},
		{"damaged", start, Pair{p.Certificate[:100], p.Key}, false},
	} {
		now = c.at
		got := leaf(t, a, c.current)
		if kept := bytes.Equal(got.Certificate, c.current.Certificate) && bytes.Equal(got.Key, c.current.Key); kept != c.kept {
			t.Errorf("%s: kept %v, want %v", c.name, kept, c.kept)
		}
	}
	now = start
	if got, err := a.Leaf(p, append(testNames, "another"), testIPs); err != nil || bytes.Equal(got.Certificate, p.Certificate) {
		t.Errorf("a leaf of other names was kept, %v", err)
	}
}

// A clock that jumps decades ahead and back again must not cost the root that people trust.
func TestTheRootIsNeverReplaced(t *testing.T) {
	folder, now := t.TempDir(), start
	a := authority(t, folder, &now)
	before, err := a.Root()
	if err != nil {
		t.Fatal(err)
	}
	now = start.Add(9*365*day + 300*day) // the root ends before a whole leaf would
	last := leaf(t, a, Pair{})
	if err := verify(t, a, last, "localhost", now); err != nil {
		t.Error(err)
	}
	now = start.Add(30 * 365 * day)
	if _, err := a.Leaf(Pair{}, testNames, testIPs); fault.Of(err) != fault.Invalid {
		t.Errorf("an expired root signs: %v", err)
	}
	now = start
	if after, err := authority(t, folder, &now).Root(); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the root was replaced, %v", err)
	}
}

func TestADamagedFileIsLeftAlone(t *testing.T) {
	folder, now := t.TempDir(), start
	path := filepath.Join(folder, File)
	if err := os.WriteFile(path, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := authority(t, folder, &now).Root(); fault.Of(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "not a certificate" {
		t.Error("the damaged file was replaced")
	}
}

func TestNamesThatNoCertificateCanHave(t *testing.T) {
	now := start
	a := authority(t, t.TempDir(), &now)
	if _, err := a.Leaf(Pair{}, nil, nil); fault.Of(err) != fault.Missing {
		t.Errorf("no name: %v", err)
	}
	if _, err := a.Leaf(Pair{}, []string{"bücher.example"}, nil); fault.Of(err) != fault.Invalid {
		t.Errorf("not ASCII: %v", err)
	}
}
