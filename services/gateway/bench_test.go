package gateway_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/services/gateway"
	"millrace/services/gateway/http1"
	api "millrace/services/internal/api/sqs"
	"millrace/services/internal/identity"
	"millrace/services/internal/wire"
)

// What a SendMessage costs beside its queue and the network: reading the head
// and the body, finding the operation, and the answer.
func BenchmarkSendMessage(b *testing.B) {
	b.ReportAllocs()
	server := http1.New(&http.Server{
		Handler:           gateway.New(gateway.Config{Services: []gateway.Service{sink{}}, Own: http.NotFoundHandler(), Account: "000000000000", Region: "us-east-1"}),
		ReadHeaderTimeout: time.Minute,
	})
	c := &loop{n: b.N, request: sendMessage(), over: make(chan struct{})}
	l := &once{conn: c, shut: make(chan struct{})}
	go server.Serve(l)
	<-c.over
	server.Close()
}

func sendMessage() []byte {
	body := `{"QueueUrl":"http://localhost:4566/000000000000/orders","MessageBody":"` + strings.Repeat("x", 256) + `"}`
	return fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: localhost:4566\r\nUser-Agent: aws-sdk-go-v2/1.41.0 os/linux lang/go#1.26 api/sqs#1.42.0\r\n"+
		"Content-Length: %d\r\nAmz-Sdk-Invocation-Id: 8b8f8a5e-3f0e-4a55-8c8e-6a5b1a0f7c11\r\nAmz-Sdk-Request: attempt=1; max=3\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date, Signature=%064d\r\n"+
		"Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20261121T000000Z\r\nX-Amz-Target: AmazonSQS.SendMessage\r\nAccept-Encoding: gzip\r\n\r\n%s", len(body), 0, body)
}

// A sink takes messages and keeps none.
type sink struct{ api.Unimplemented }

func (sink) Model() *wire.Service { return api.Service }

func (sink) SendMessage(ctx context.Context, in *api.SendMessageInput) (*api.SendMessageOutput, error) {
	if identity.From(ctx).Account == "" || len(*in.MessageBody) != 256 {
		return nil, io.ErrUnexpectedEOF
	}
	return &api.SendMessageOutput{MessageId: new("5fea7756-0ea4-451a-a703-a558b933e274"), MD5OfMessageBody: new("fafb00f5732ab283681e124bf8747ed1")}, nil
}

// A loop is a connection whose client sends a request n times, each when
// it has the answer to the one before.
type loop struct {
	net.TCPConn
	request []byte
	n       int
	over    chan struct{}
	once    sync.Once
}

func (l *loop) Read(p []byte) (int, error) {
	if l.n == 0 {
		return 0, io.EOF
	}
	l.n--
	for _, name := range []string{"Invocation-Id: ", "Signature="} { // as with any client, no two are the same
		at := bytes.Index(l.request, []byte(name)) + len(name)
		binary.LittleEndian.PutUint32(l.request[at:], uint32(l.n)&0x0f0f0f0f|0x60606060)
	}
	return copy(p, l.request), nil
}

func (l *loop) Write(p []byte) (int, error)      { return len(p), nil }
func (l *loop) Close() error                     { l.once.Do(func() { close(l.over) }); return nil }
func (l *loop) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (l *loop) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (l *loop) SetDeadline(time.Time) error      { return nil }
func (l *loop) SetReadDeadline(time.Time) error  { return nil }
func (l *loop) SetWriteDeadline(time.Time) error { return nil }

// A once is a listener with one connection.
type once struct {
	conn net.Conn
	shut chan struct{}
}

func (o *once) Accept() (net.Conn, error) {
	if c := o.conn; c != nil {
		o.conn = nil
		return c, nil
	}
	<-o.shut
	return nil, net.ErrClosed
}

func (o *once) Close() error   { close(o.shut); return nil }
func (o *once) Addr() net.Addr { return &net.TCPAddr{} }
