package awschunked_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"millrace/services/internal/awschunked"
)

const (
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	signed          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

// The seed of the examples in the Amazon S3 API Reference, but for the signature of the
// request.
var example = awschunked.Seed{
	Key:   signingKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1"),
	Date:  "20130524T000000Z",
	Scope: "20130524/us-east-1/s3/aws4_request",
}

func seedOf(signature string) *awschunked.Seed {
	seed := example
	seed.Signature = signature
	return &seed
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func signingKey(secret, date, region string) []byte {
	return mac(mac(mac(mac([]byte("AWS4"+secret), date), region), "s3"), "aws4_request")
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// A trailer is a name and a value.
type trailer struct{ name, value string }

// encode writes chunks as a client does. Signatures begin with a seed's; a nil seed
// signs nothing.
func encode(chunks []string, trailers []trailer, withTrailers bool, seed *awschunked.Seed) string {
	var b, signedLines strings.Builder
	previous := ""
	if seed != nil {
		previous = seed.Signature
	}
	sign := func(algorithm, sums string) string {
		previous = hex.EncodeToString(mac(seed.Key, strings.Join([]string{algorithm, seed.Date, seed.Scope, previous, sums}, "\n")))
		return previous
	}
	for _, chunk := range append(chunks, "") {
		fmt.Fprintf(&b, "%x", len(chunk))
		if seed != nil {
			b.WriteString(";chunk-signature=" + sign("AWS4-HMAC-SHA256-PAYLOAD", sum("")+"\n"+sum(chunk)))
		}
		b.WriteString("\r\n")
		if chunk != "" {
			b.WriteString(chunk + "\r\n")
		}
	}
	if withTrailers {
		for _, t := range trailers {
			b.WriteString(t.name + ":" + t.value + "\r\n")
			signedLines.WriteString(t.name + ":" + t.value + "\n")
		}
		if seed != nil {
			b.WriteString("x-amz-trailer-signature:" + sign("AWS4-HMAC-SHA256-TRAILER", sum(signedLines.String())) + "\r\n")
		}
	}
	return b.String() + "\r\n"
}
