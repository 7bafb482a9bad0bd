package http1

import (
	"io"
	"net"
	"net/http"
	"testing"
)

// A loop is a connection whose client sends the same request n times, each when
// it has the answer to the one before.
type loop struct {
	tape
	request []byte
	n       int
}

func (l *loop) Read(p []byte) (int, error) {
	if l.n == 0 {
		return 0, io.EOF
	}
	l.n--
	return copy(p, l.request), nil
}

func (l *loop) Write(p []byte) (int, error) { return len(p), nil }

const typical = "POST / HTTP/1.1\r\nHost: localhost:4566\r\nUser-Agent: aws-sdk-go-v2/1.41.0 os/linux lang/go#1.26 api/sqs#1.42.0\r\n" +
	"Content-Length: 16\r\nAmz-Sdk-Invocation-Id: 8b8f8a5e-3f0e-4a55-8c8e-6a5b1a0f7c11\r\nAmz-Sdk-Request: attempt=1; max=3\r\n" +
	"Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date, Signature=00\r\n" +
	"Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20261121T000000Z\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nAccept-Encoding: gzip\r\n\r\n" +
	"{\"QueueUrl\":\"q\"}"

// What a request costs beside its handler and the network: here, and in
// net/http as it would be without a network to watch.
func BenchmarkRequest(b *testing.B) {
	rest := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header()["Content-Type"] = []string{"application/x-amz-json-1.0"}
		w.Write(body)
	})}
	for name, serve := range map[string]func(net.Listener) error{"http1": New(rest).Serve, "net-http": rest.Serve} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			l := newLine()
			go serve(l)
			c := &loop{tape{closed: make(chan struct{})}, []byte(typical), b.N}
			l.conns <- c
			<-c.closed
			l.errs <- net.ErrClosed
		})
	}
}
