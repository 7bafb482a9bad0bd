package signing_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/ca"
	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/queue"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/keys"
	"millrace/runtime/store/record"
	"millrace/runtime/topic/envelope"
	"millrace/runtime/topic/signing"
)

func TestMain(m *testing.M) {
	code := backbonetest.Main(m)
	if folder != "" {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}

// authority is one for all tests: its key takes a while to make.
var (
	folder    string
	authority = sync.OnceValue(func() *ca.Authority {
		var err error
		if folder, err = os.MkdirTemp("", "signing"); err != nil {
			panic(err)
		}
		return ca.New(folder, time.Now)
	})
)

// A bench is a signer in a store that can be reopened.
type bench struct {
	*testing.T
	*signing.Signer
	folder    string
	root      keys.Root
	authority *ca.Authority
	store     *record.Store
	config    signing.Config
	log       logBuffer
	stop      func()
}

// A logBuffer is written to by several goroutines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func start(t *testing.T, change func(*signing.Config)) *bench {
	t.Helper()
	b := &bench{T: t, folder: t.TempDir(), root: keys.NewRoot()}
	b.authority = authority()
	b.config = signing.Config{Authority: b.authority, Address: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(&b.log, nil))}
	if change != nil {
		change(&b.config)
	}
	b.open()
	return b
}

// open opens the store and the signer, as a restart does.
func (b *bench) open() {
	b.Helper()
	back := backbone.New(backbone.Config{Dir: b.folder + "/store"})
	if err := back.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	store := record.New(back.JetStream(), nil)
	if err := store.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	ring, err := keys.Open(store, b.root, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	b.store, b.config.Records, b.config.Keys = store, store, ring
	b.Signer = signing.New(b.config)
	signer := b.Signer
	b.stop = sync.OnceFunc(func() {
		ctx := context.Background()
		if err := errors.Join(signer.Stop(ctx), store.Stop(ctx), back.Stop(ctx)); err != nil {
			b.Errorf("stopping: %v", err)
		}
	})
	b.Cleanup(b.stop)
	if err := signer.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) url() string {
	b.Helper()
	url, err := b.URL(b.Context(), "us-east-1")
	if err != nil {
		b.Fatal(err)
	}
	return url
}

// client trusts the authority, and connects to the signer whatever the URL says.
func (b *bench) client(address string) *http.Client {
	b.Helper()
	root, err := b.authority.Root()
	if err != nil {
		b.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(root)
	transport.Proxy = nil
	if address != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (b *bench) fetch(client *http.Client, url string) []byte {
	b.Helper()
	r, err := client.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s, %v", url, r.Status, err)
	}
	return body
}

// verify checks a document as the documentation of SNS says, and shares nothing with what
// makes documents.
func verify(document string, certificate []byte) error {
	var top map[string]any
	if err := json.Unmarshal([]byte(document), &top); err != nil {
		return err
	}
	if records, ok := top["Records"].([]any); ok {
		top = records[0].(map[string]any)["Sns"].(map[string]any)
	}
	members := []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	if top["Type"] == "Notification" {
		members = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	}
	var text strings.Builder
	for _, m := range members {
		if value, ok := top[m].(string); ok {
			text.WriteString(m + "\n" + value + "\n")
		}
	}
	signature, err := base64.StdEncoding.DecodeString(top["Signature"].(string))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(certificate)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	if top["SignatureVersion"] == "1" {
		sum := sha1.Sum([]byte(text.String()))
		return rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA1, sum[:], signature)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature)
}

const arn = "arn:aws:sns:us-east-1:123456789012:orders"

// documentsOf are one of each kind.
func documentsOf(url, version string) map[string]string {
	n := envelope.Notification{
		MessageID: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", TopicARN: arn, Subject: "Grüße <&>",
		Message: "{\"a\":\"b\\n\"}\n\u2028 성공 \x01 \\", Timestamp: time.UnixMilli(1_700_000_000_123),
		Attributes:       []queue.Attribute{{Name: "Signature", DataType: "String", Value: []byte(`","Signature" : "x`)}},
		SignatureVersion: version, CertURL: url, BaseURL: "http://localhost:4566",
	}
	plain := n
	plain.Subject, plain.Attributes = "", nil
	c := envelope.Confirmation{MessageID: "m", Token: "t", TopicARN: arn, Timestamp: time.Now(), SignatureVersion: version, CertURL: url, BaseURL: "http://localhost:4566"}
	u := c
	u.SubscriptionARN = arn + ":s"
	return map[string]string{
		"body": string(envelope.NewDraft(n).Body(arn + ":s")), "Lambda": string(envelope.NewDraft(n).Lambda(arn + ":s")),
		"plain body": string(envelope.NewDraft(plain).Body(arn + ":s")), "plain Lambda": string(envelope.NewDraft(plain).Lambda(arn + ":s")),
		"confirmation": string(c.Body()), "end of a subscription": string(u.Body()),
	}
}

func TestSubscribersVerifyWithTheServedCertificate(t *testing.T) {
	b := start(t, nil)
	url := b.url()
	if !regexp.MustCompile(`^https://127\.0\.0\.1:[0-9]+/SimpleNotificationService-[0-9a-f]{32}\.pem$`).MatchString(url) {
		t.Errorf("the URL is %s", url)
	}
	certificate := b.fetch(b.client(""), url)
	for _, version := range []string{"1", "2"} {
		for kind, unsigned := range documentsOf(url, version) {
			signed := b.Finish(unsigned)
			if err := verify(signed, certificate); err != nil || len(signed) != len(unsigned) {
				t.Errorf("%s, version %s: %v", kind, version, err)
			}
			if b.Finish(unsigned) != signed || b.Finish(signed) != signed {
				t.Errorf("%s, version %s: signed differently each time", kind, version)
			}
			if forged := strings.Replace(signed, `"TopicArn`, `"x":1,"TopicArn`, 1); verify(forged, certificate) != nil {
				t.Error("the check of this test sees too much")
			}
			if forged := strings.ReplaceAll(signed, ":orders", ":others"); verify(forged, certificate) == nil {
				t.Errorf("%s, version %s: a forgery passes", kind, version)
			}
		}
	}
	block, _ := pem.Decode(certificate)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	root, _ := b.authority.Root()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "sns.amazonaws.com", KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil || cert.Subject.CommonName != "sns.amazonaws.com" {
		t.Errorf("the certificate is for %v: %v", cert.Subject, err)
	}
}

// A restart, and another runtime on the same store, sign alike.
func TestTheKeyStays(t *testing.T) {
	b := start(t, nil)
	url := b.url()
	key := envelope.KeyID(url)
	signature, err := b.Sign(key, "2", "text")
	if err != nil || len(signature) != envelope.SignatureSize {
		t.Fatalf("%q, %v", signature, err)
	}
	old := b.fetch(b.client(""), url)

	other := b.config
	other.Authority = ca.New(t.TempDir(), time.Now)
	second := signing.New(other)
	if got, err := second.Sign(key, "2", "text"); got != signature || err != nil {
		t.Errorf("another runtime signs %q, %v", got, err)
	}
	if got, err := second.URL(t.Context(), "us-east-1"); envelope.KeyID(got) != key || err != nil {
		t.Errorf("another runtime has the URL %s, %v", got, err)
	}

	b.stop()
	b.open()
	if got := b.url(); envelope.KeyID(got) != key {
		t.Errorf("after a restart the URL is %s, it was %s", got, url)
	}
	if got, err := b.Sign(key, "2", "text"); got != signature || err != nil {
		t.Errorf("after a restart it signs %q, %v", got, err)
	}
	// Those that cached the certificate find the same key in it.
	document := b.Finish(documentsOf(url, "2")["body"])
	if err := verify(document, old); err != nil {
		t.Error(err)
	}
}

// All runtimes that start at once agree on one key.
func TestOneKeyForManyAtOnce(t *testing.T) {
	b := start(t, nil)
	urls := make([]string, 6)
	var wait sync.WaitGroup
	for i := range urls {
		s := signing.New(b.config)
		wait.Go(func() {
			var err error
			if urls[i], err = s.URL(t.Context(), "us-east-1"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, url := range urls {
		if envelope.KeyID(url) != envelope.KeyID(urls[0]) {
			t.Fatalf("the keys are %q", urls)
		}
	}
}

func TestResetsMakeANewKey(t *testing.T) {
	b := start(t, nil)
	before := b.url()
	if err := b.store.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := b.url()
	if envelope.KeyID(after) == envelope.KeyID(before) {
		t.Error("the key outlived its record")
	}
	if _, err := signing.New(b.config).Sign(envelope.KeyID(after), "1", "text"); err != nil {
		t.Errorf("the new key was not stored: %v", err)
	}
}

// A record that cannot be read keeps nothing from being signed with another key.
func TestADamagedKeyIsReplaced(t *testing.T) {
	b := start(t, nil)
	before := b.url()
	type damaged struct {
		ID  string
		Key []byte
		Box []byte
	}
	table := record.NewTable[damaged](b.store, "snskey")
	if _, err := table.Update(t.Context(), "1", func(d damaged) (damaged, error) { d.Box[20] ^= 1; return d, nil }); err != nil {
		t.Fatal(err)
	}
	b.stop()
	b.open()
	after := b.url()
	if envelope.KeyID(after) == envelope.KeyID(before) {
		t.Fatal("the damaged key is in use")
	}
	unsigned := documentsOf(before, "1")["body"]
	if got := b.Finish(unsigned); got != unsigned {
		t.Error("a message was signed with a key that cannot be read")
	}
	b.Finish(unsigned)
	if log := b.log.String(); strings.Count(log, "level=ERROR") != 2 { // one about the key, one about messages
		t.Errorf("the log says %s", log)
	}
	if err := verify(b.Finish(documentsOf(after, "1")["body"]), b.fetch(b.client(""), after)); err != nil {
		t.Error(err)
	}
}

func TestUnknownKeysAndVersions(t *testing.T) {
	b := start(t, nil)
	key := envelope.KeyID(b.url())
	if _, err := b.Sign("00000000000000000000000000000000", "1", "text"); !errors.Is(err, fault.NotFound) {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := b.Sign(key, "3", "text"); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown version: %v", err)
	}
}

func TestNothingIsSecretInTheLog(t *testing.T) {
	b := start(t, nil)
	b.url()
	if log := b.log.String(); log != "" {
		t.Errorf("the log says %s", log)
	}
}

func TestASignerStartsAndStopsAsAllParts(t *testing.T) {
	b := start(t, nil)
	b.url() // there is a key: each start listens
	lifecycletest.Stress(t, func() lifecycle.Part { return signing.New(b.config) })
}
