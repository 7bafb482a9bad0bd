package conformance

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// What a queue gives is signed in both versions, by the certificate that the message
// names, which the runtime's authority vouches for.
func TestSignaturesOfMessages(t *testing.T) {
	data := t.TempDir()
	env := testenv.Start(t, testenv.WithData(data))
	p := createTopic(t, env, "orders", nil)
	q, _ := p.feed("q")
	for version, hash := range map[string]func(string) (crypto.Hash, []byte){
		"1": func(s string) (crypto.Hash, []byte) { sum := sha1.Sum([]byte(s)); return crypto.SHA1, sum[:] },
		"2": func(s string) (crypto.Hash, []byte) { sum := sha256.Sum256([]byte(s)); return crypto.SHA256, sum[:] },
	} {
		p.set("SignatureVersion", version)
		p.publish("signed \"by\" "+version, withSubject("s"))
		m := q.receive(1, 20)
		if len(m) != 1 {
			t.Fatalf("version %s: received %d", version, len(m))
		}
		if err := q.delete(m[0]); err != nil {
			t.Fatal(err)
		}
		n := readNotification(t, *m[0].Body)
		wantEqual(t, "version", n.SignatureVersion, version)
		text := "Message\n" + n.Message + "\nMessageId\n" + n.MessageId + "\nSubject\n" + n.Subject +
			"\nTimestamp\n" + n.Timestamp + "\nTopicArn\n" + n.TopicArn + "\nType\n" + n.Type + "\n"
		signature, err := base64.StdEncoding.DecodeString(n.Signature)
		if err != nil {
			t.Fatal(err)
		}
		key := certificateAt(t, n.SigningCertURL, data).PublicKey.(*rsa.PublicKey)
		kind, sum := hash(text)
		if err := rsa.VerifyPKCS1v15(key, kind, sum, signature); err != nil {
			t.Errorf("version %s: %v\n%s", version, err, *m[0].Body)
		}
	}
}

// certificateAt fetches a certificate from a server that the authority of a data folder
// vouches for.
func certificateAt(t *testing.T, url, data string) *x509.Certificate {
	t.Helper()
	root, err := app.Root(data)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	block, _ := pem.Decode(body)
	if block == nil {
		t.Fatalf("%s: %s\n%s", url, r.Status, body)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A message goes from a topic through a queue and a mapping to a handler, with the trace
// header of the publish; a function that is subscribed gets the header too.
func TestTopicToQueueToMapping(t *testing.T) {
	const root = "Root=1-5759e988-bd862e3fe1be46a994272793"
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		q, _ := p.feed("jobs", "RawMessageDelivery", "true")
		var body, header, direct string
		env.Handle("jobs", func(_ context.Context, e events.SQSEvent) error {
			body, header = e.Records[0].Body, e.Records[0].Attributes["AWSTraceHeader"]
			return nil
		})
		env.Handle("direct", func(ctx context.Context, e events.SNSEvent) error {
			direct, _ = ctx.Value("x-amzn-trace-id").(string)
			return nil
		})
		mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "jobs", "jobs")
		permit(t, env, "direct", p)
		p.subscribe("lambda", functionARNs+"direct")
		message := "hello"
		_, err := p.sdk.Publish(t.Context(), &sns.PublishInput{TopicArn: &p.arn, Message: &message},
			sns.WithAPIOptions(smithyhttp.AddHeaderValue("X-Amzn-Trace-Id", root)))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantEqual(t, "the handler's body", body, "hello")
		wantEqual(t, "the handler's trace", header, root)
		if !strings.HasPrefix(direct, root) {
			t.Errorf("the subscribed function's trace is %q", direct)
		}
		wantEqual(t, "what is left", q.counts(), "0/0/0")
	})
}

// Emails and texts are kept and shown, confirmations among them.
func TestOutboxOfMails(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		p := createTopic(t, env, "orders", nil)
		p.subscribe("email", "miller@example.com")
		token := lastMail(t, env)
		wantEqual(t, "confirmation", token.Protocol+" "+token.To, "email miller@example.com")
		_, link, _ := strings.Cut(token.Text, "Token=")
		link = link[:strings.IndexFunc(link, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })]
		if _, err := p.sdk.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &p.arn, Token: &link}); err != nil {
			t.Fatal(err)
		}
		p.publish("a mail", withSubject("hi"))
		synctest.Wait()
		m := lastMail(t, env)
		if m.Protocol != "email" || m.Subject != "hi" || !strings.Contains(m.Text, "a mail") {
			t.Errorf("mail %+v", m)
		}
		p.subscribe("sms", "+4930123456")
		p.publish(`{"default":"d","sms":"short","email":"long"}`, withStructure)
		synctest.Wait()
		phone, text := "+49301", "direct"
		if _, err := p.sdk.Publish(t.Context(), &sns.PublishInput{PhoneNumber: &phone, Message: &text}); err != nil {
			t.Fatal(err)
		}
		m = lastMail(t, env)
		wantEqual(t, "text", m.Protocol+" "+m.To+" "+m.Text+" "+m.Topic, "sms +49301 direct ")
	})
}

type mail struct{ Protocol, To, Subject, Text, Topic string }

func lastMail(t *testing.T, env *testenv.Env) (m mail) {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), "GET", env.Endpoint+"/_runtime/sns/outbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := env.AWS.HTTPClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var all []mail
	if err := json.NewDecoder(r.Body).Decode(&all); err != nil || len(all) == 0 {
		t.Fatalf("outbox %v: %v", all, err)
	}
	return all[len(all)-1]
}

// A topic under a key that is disabled takes nothing, and says why.
func TestTopicsUnderKeys(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		ring := kms.NewFromConfig(env.AWS)
		key, err := ring.CreateKey(t.Context(), &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		id := key.KeyMetadata.KeyId
		for _, name := range []string{"orders", "orders.fifo"} {
			attributes := map[string]string{"KmsMasterKeyId": *id}
			group := func(*sns.PublishInput) {}
			if strings.HasSuffix(name, ".fifo") {
				attributes["FifoTopic"], attributes["ContentBasedDeduplication"] = "true", "true"
				group = withGroup("g", "")
			}
			p := createTopic(t, env, name, attributes)
			q, _ := p.feed("q-" + name)
			p.publish("taken", group)
			synctest.Wait()
			wantEqual(t, name, q.messages(), "taken")
			if _, err := ring.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id}); err != nil {
				t.Fatal(err)
			}
			in := &sns.PublishInput{TopicArn: &p.arn, Message: new("refused")}
			group(in)
			if _, err := p.sdk.Publish(t.Context(), in); err == nil || !strings.Contains(err.Error(), "KMSDisabled") {
				t.Errorf("%s under a disabled key: %v", name, err)
			}
			if _, err := ring.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: id}); err != nil {
				t.Fatal(err)
			}
			in.Message = new("taken again")
			if _, err := p.sdk.Publish(t.Context(), in); err != nil {
				t.Errorf("%s under an enabled key: %v", name, err)
			}
			synctest.Wait()
			wantEqual(t, name, q.messages(), "taken again")
		}
	})
}
