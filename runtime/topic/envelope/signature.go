package envelope

import (
	"cmp"
	"encoding/json"
	"strings"

	"millrace/runtime/fault"
)

// SignatureSize is the length of a signature in a document: base64 of 256 bytes, as an
// RSA key of 2,048 bits makes them.
const SignatureSize = 344

// placeholder stands where a signature belongs. No base64 has its characters, so a
// document that is signed has none.
var placeholder = strings.Repeat("-", SignatureSize)

// What comes before a signature. Inside of a JSON text each quote has a backslash before
// it, so neither of the two can be a part of what a stranger wrote.
var (
	prettyUnsigned  = `"Signature" : "` + placeholder + `"`
	compactUnsigned = `"Signature":"` + placeholder + `"`
)

// signature writes the members of a signature.
func (w *writer) signature(version, urlName, url string) {
	w.member("SignatureVersion", cmp.Or(version, "1"))
	w.member("Signature", placeholder)
	w.member(urlName, url)
}

// A Sign signs a text with the key of an id, as the URL of its certificate has it. version
// is "1" (SHA-1) or "2" (SHA-256). The same arguments give the same signature, in base64
// of SignatureSize characters.
type Sign func(keyID, version, text string) (string, error)

// Finish signs a document of this package that has a placeholder; its length stays the
// same. A document without one is returned as it is. So is one that cannot be signed, with
// the error.
func Finish(body string, sign Sign) (string, error) {
	at := strings.Index(body, prettyUnsigned)
	size := len(prettyUnsigned)
	if at < 0 {
		at, size = strings.Index(body, compactUnsigned), len(compactUnsigned)
	}
	if at < 0 {
		return body, nil
	}
	d, err := parse(body)
	if err != nil {
		return body, err
	}
	signature, err := sign(KeyID(d.SigningCertURL), d.SignatureVersion, d.text())
	if err != nil {
		return body, err
	}
	if len(signature) != SignatureSize {
		return body, fault.New(fault.Internal, "a signature of %d characters has no room in its document", len(signature))
	}
	end := at + size - 1 // the closing quote
	return body[:end-SignatureSize] + signature + body[end:], nil
}

// A document is what a signature covers, and how it is signed. The names match regardless
// of case, as functions get SigningCertUrl.
type document struct {
	Type             string
	MessageID        string
	Token            string
	TopicArn         string
	Subject          *string
	Message          string
	Timestamp        string
	SubscribeURL     string
	SignatureVersion string
	SigningCertURL   string
}

func parse(body string) (document, error) {
	var d struct {
		document
		Records []struct{ Sns document }
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return document{}, fault.Wrap(fault.Invalid, err, "a document to sign cannot be read")
	}
	if len(d.Records) > 0 {
		return d.Records[0].Sns, nil
	}
	return d.document, nil
}

// text is what the signature of a document signs. Amazon SNS Developer Guide, "Verifying
// the signatures of Amazon SNS messages".
func (d document) text() string {
	var b strings.Builder
	line := func(name, value string) {
		b.WriteString(name)
		b.WriteByte('\n')
		b.WriteString(value)
		b.WriteByte('\n')
	}
	line("Message", d.Message)
	line("MessageId", d.MessageID)
	if d.Type == notification && d.Subject != nil {
		line("Subject", *d.Subject)
	}
	if d.Type != notification {
		line("SubscribeURL", d.SubscribeURL)
	}
	line("Timestamp", d.Timestamp)
	if d.Type != notification {
		line("Token", d.Token)
	}
	line("TopicArn", d.TopicArn)
	line("Type", d.Type)
	return b.String()
}

// What the name of a certificate has around the id of its key.
const (
	certPrefix = "SimpleNotificationService-"
	certSuffix = ".pem"
)

// CertFile is the last part of the path that the certificate of a key is served at.
func CertFile(keyID string) string { return certPrefix + keyID + certSuffix }

// KeyID is the id of a key by the URL or the path of its certificate; "" for what is not
// one.
func KeyID(certURL string) string {
	file := certURL[strings.LastIndexByte(certURL, '/')+1:]
	id, ok := strings.CutPrefix(file, certPrefix)
	if !ok {
		return ""
	}
	if id, ok = strings.CutSuffix(id, certSuffix); !ok {
		return ""
	}
	return id
}
