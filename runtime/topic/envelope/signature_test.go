package envelope

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"millrace/runtime/queue"
)

// A signer remembers what it was asked to sign.
type signer struct {
	keyID, version, text string
	calls                int
}

var signed = strings.Repeat("s", SignatureSize)

func (s *signer) sign(keyID, version, text string) (string, error) {
	s.keyID, s.version, s.text = keyID, version, text
	s.calls++
	return signed, nil
}

func TestFinishSignsTheDocumentedText(t *testing.T) {
	n := sample()
	n.SignatureVersion = "2"
	c := Confirmation{MessageID: "id", Token: "token", TopicARN: topicARN, Timestamp: time.UnixMilli(0), CertURL: certURL, BaseURL: base}
	withSubject := "Message\nHello world!\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nMy First Message\n" +
		"Timestamp\n2012-05-02T00:54:06.655Z\nTopicArn\n" + topicARN + "\nType\nNotification\n"
	plain := n
	plain.Subject = ""
	withoutSubject := strings.Replace(withSubject, "Subject\nMy First Message\n", "", 1)
	for name, tc := range map[string]struct{ body, text, version string }{
		"body":         {string(NewDraft(n).Body(subscriptionARN)), withSubject, "2"},
		"Lambda":       {string(NewDraft(n).Lambda(subscriptionARN)), withSubject, "2"},
		"plain body":   {string(NewDraft(plain).Body(subscriptionARN)), withoutSubject, "2"},
		"plain Lambda": {string(NewDraft(plain).Lambda(subscriptionARN)), withoutSubject, "2"},
		"confirmation": {string(c.Body()), "Message\nYou have chosen to subscribe to the topic " + topicARN +
			".\nTo confirm the subscription, visit the SubscribeURL included in this message.\nMessageId\nid\nSubscribeURL\n" + c.SubscribeURL() +
			"\nTimestamp\n1970-01-01T00:00:00.000Z\nToken\ntoken\nTopicArn\n" + topicARN + "\nType\nSubscriptionConfirmation\n", "1"},
	} {
		var s signer
		got, err := Finish(tc.body, s.sign)
		if err != nil || got != strings.Replace(tc.body, placeholder, signed, 1) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if s.text != tc.text || s.version != tc.version || s.keyID != keyID {
			t.Errorf("%s: signed %q, version %s, key %s", name, s.text, s.version, s.keyID)
		}
		if again, err := Finish(got, s.sign); again != got || err != nil || s.calls != 1 {
			t.Errorf("%s: finished twice: %s, %v, %d calls", name, again, err, s.calls)
		}
	}
}

func TestFinishLeavesWhatItCannotSign(t *testing.T) {
	body := string(NewDraft(sample()).Body(subscriptionARN))
	failure := errors.New("no such key")
	for name, sign := range map[string]Sign{
		"refused":   func(_, _, _ string) (string, error) { return signed, failure },
		"too short": func(_, _, _ string) (string, error) { return "short", nil },
	} {
		if got, err := Finish(body, sign); got != body || err == nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	var s signer
	for _, other := range []string{"", "hello", `{"Signature":"x"}`, prettyUnsigned + "{"} {
		if got, _ := Finish(other, s.sign); got != other || s.calls > 0 {
			t.Errorf("%q is finished to %q", other, got)
		}
	}
}

// Nothing that a stranger may choose moves the place of the signature, or what it signs.
func FuzzFinish(f *testing.F) {
	for _, s := range []string{"", "plain", prettyUnsigned, compactUnsigned, `","Signature" : "` + placeholder + `","a":"`,
		`\"Signature\" : \"` + placeholder, placeholder, "\\", `"`, "\xff\"Signature\" : \"" + placeholder + "\"\xc3", "\u2028\x00\n"} {
		f.Add(s, "subject", "name", s, false)
		f.Add("message", s, "Signature", "value", true)
		f.Add(s, s, s, s, true)
	}
	f.Fuzz(func(t *testing.T, message, subject, name, value string, binary bool) {
		n := sample()
		n.Message, n.Subject = message, subject
		n.Attributes = []queue.Attribute{{Name: name, DataType: "String", Value: []byte(value)}}
		if binary {
			n.Attributes[0].DataType = "Binary"
		}
		// What reaches subscribers is valid, whatever was sent.
		message, subject = valid(message), valid(subject)
		text := "Message\n" + message + "\nMessageId\n" + n.MessageID + "\n"
		if subject != "" {
			text += "Subject\n" + subject + "\n"
		}
		text += "Timestamp\n2012-05-02T00:54:06.655Z\nTopicArn\n" + topicARN + "\nType\nNotification\n"
		d := NewDraft(n)
		for form, body := range map[string]string{"body": string(d.Body(subscriptionARN)), "Lambda": string(d.Lambda(subscriptionARN))} {
			var s signer
			got, err := Finish(body, s.sign)
			if err != nil || s.calls != 1 || s.text != text {
				t.Fatalf("%s: %v, %d calls, signed %q, want %q", form, err, s.calls, s.text, text)
			}
			var doc struct {
				Type, Message, Signature string
				Subject                  *string
				MessageAttributes        map[string]struct{ Type, Value string }
				Records                  []struct{ Sns json.RawMessage }
			}
			if err := json.Unmarshal([]byte(got), &doc); err != nil {
				t.Fatalf("%s: %v in %s", form, err, got)
			}
			if len(doc.Records) > 0 {
				if err := json.Unmarshal(doc.Records[0].Sns, &doc); err != nil {
					t.Fatal(err)
				}
			}
			if doc.Signature != signed || doc.Message != message || len(got) != len(body) {
				t.Fatalf("%s: %+v in %s", form, doc, got)
			}
			if !binary && doc.MessageAttributes[valid(name)].Value != valid(value) {
				t.Fatalf("%s: attributes are %v", form, doc.MessageAttributes)
			}
		}
	})
}

// valid has U+FFFD for each byte that is not UTF-8.
func valid(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == utf8.RuneError {
			b.WriteString("\uFFFD")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func BenchmarkBody(b *testing.B) {
	d := NewDraft(sample())
	b.ReportAllocs()
	for b.Loop() {
		d.Body(subscriptionARN)
	}
}

func BenchmarkRequest(b *testing.B) {
	d := NewDraft(sample())
	b.ReportAllocs()
	for b.Loop() {
		d.Body(subscriptionARN)
		d.Headers(subscriptionARN, "", false)
	}
}

func BenchmarkFinish(b *testing.B) {
	body := string(NewDraft(sample()).Body(subscriptionARN))
	sign := func(_, _, _ string) (string, error) { return signed, nil }
	b.ReportAllocs()
	for b.Loop() {
		Finish(body, sign)
	}
}
