package wire_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/services/internal/api/s3"
	"millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
)

// What a busy queue costs on the wire, without the network: a message of 256
// bytes with two attributes, and the answers to it.

var sendMessage = `{"QueueUrl":"http://localhost:4566/000000000000/orders","MessageBody":"` + strings.Repeat("x", 256) +
	`","MessageAttributes":{"kind":{"DataType":"String","StringValue":"order"}}}`

func BenchmarkDecodeSendMessage(b *testing.B) {
	op, r := sqs.Service.Operation("SendMessage"), &wire.Request{Body: []byte(sendMessage)}
	b.SetBytes(int64(len(sendMessage)))
	b.ReportAllocs()
	for b.Loop() {
		if err := wire.Decode(wire.AWSJSON, op, r, op.NewInput()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeDeleteMessageBatch(b *testing.B) {
	entry := `{"Id":"0","ReceiptHandle":"` + strings.Repeat("MbZj6wDWli", 10) + `"}`
	op := sqs.Service.Operation("DeleteMessageBatch")
	r := &wire.Request{Body: []byte(`{"QueueUrl":"http://localhost:4566/000000000000/orders","Entries":[` + strings.Repeat(entry+",", 9) + entry + `]}`)}
	b.ReportAllocs()
	for b.Loop() {
		if err := wire.Decode(wire.AWSJSON, op, r, op.NewInput()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeSendMessageQuery(b *testing.B) {
	op, r := sqs.Service.Operation("SendMessage"), &wire.Request{Form: map[string][]string{
		"QueueUrl": {"http://localhost:4566/000000000000/orders"}, "MessageBody": {strings.Repeat("x", 256)},
		"MessageAttribute.1.Name": {"kind"}, "MessageAttribute.1.Value.DataType": {"String"}, "MessageAttribute.1.Value.StringValue": {"order"},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if err := wire.Decode(wire.AWSQuery, op, r, op.NewInput()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeSendMessage(b *testing.B) {
	benchmarkEncode(b, "SendMessage", &sqs.SendMessageOutput{
		MessageId: new("5fea7756-0ea4-451a-a703-a558b933e274"), MD5OfMessageBody: new("fafb00f5732ab283681e124bf8747ed1"),
		MD5OfMessageAttributes: new("3ae8f24a165a8cedc005670c81a27295"),
	})
}

func BenchmarkEncodeReceiveMessage(b *testing.B) {
	m := &sqs.Message{
		MessageId: new("5fea7756-0ea4-451a-a703-a558b933e274"), MD5OfBody: new("fafb00f5732ab283681e124bf8747ed1"),
		ReceiptHandle: new(strings.Repeat("MbZj6wDWli", 30)), Body: new(strings.Repeat("x", 256)),
		Attributes: map[string]string{"SentTimestamp": "1638391600000", "ApproximateReceiveCount": "1", "SenderId": "000000000000"},
	}
	benchmarkEncode(b, "ReceiveMessage", &sqs.ReceiveMessageOutput{Messages: []*sqs.Message{m, m, m, m, m, m, m, m, m, m}})
}

func benchmarkEncode(b *testing.B, name string, out any) {
	op, w := sqs.Service.Operation(name), nowhere{}
	r := &wire.Request{HTTP: &http.Request{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w)
		if err := wire.EncodeResult(w, wire.AWSJSON, sqs.Service, op, r, "request-id", out); err != nil {
			b.Fatal(err)
		}
	}
}

// nowhere is a ResponseWriter that keeps nothing.
type nowhere http.Header

func (w nowhere) Header() http.Header         { return http.Header(w) }
func (w nowhere) WriteHeader(int)             {}
func (w nowhere) Write(b []byte) (int, error) { return len(b), nil }

// What an object costs on the wire: the head of an upload as SDKs send it, with its
// route, and the answer to a download.

func BenchmarkDecodePutObject(b *testing.B) {
	r := httptest.NewRequest("PUT", "/bucket/folder/object.txt?x-id=PutObject", nil)
	for name, value := range map[string]string{
		"Content-Type": "application/octet-stream", "Content-Length": "1024", "X-Amz-Sdk-Checksum-Algorithm": "CRC32", "X-Amz-Checksum-Crc32": "AAAAAA==",
		"X-Amz-Content-Sha256": strings.Repeat("0", 64), "X-Amz-Date": "20261127T000000Z", "X-Amz-Meta-Name": "value", "User-Agent": "aws-sdk-go-v2", "Authorization": strings.Repeat("a", 300),
		"Accept-Encoding": "identity", "Amz-Sdk-Invocation-Id": strings.Repeat("b", 36), "Amz-Sdk-Request": "attempt=1; max=3",
	} {
		r.Header.Set(name, value)
	}
	b.ReportAllocs()
	for b.Loop() {
		req := &wire.Request{HTTP: r, Stream: http.NoBody}
		op, _ := wire.RestXML.Find(s3.Service, req)
		in := op.NewInput().(*s3.PutObjectInput)
		if err := wire.Decode(wire.RestXML, op, req, in); err != nil || *in.Key != "folder/object.txt" || in.Metadata["name"] != "value" {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeGetObject(b *testing.B) {
	op, w := s3.Service.Operation("GetObject"), nowhere{}
	r := &wire.Request{HTTP: httptest.NewRequest("GET", "/bucket/key", nil)}
	now, body := time.Now(), bytes.NewReader(make([]byte, 1024))
	out := &s3.GetObjectOutput{
		Body: struct{ io.Reader }{body}, ContentLength: new(int64(1024)), ContentType: new("application/octet-stream"), ETag: new(`"d41d8cd98f00b204e9800998ecf8427e"`),
		LastModified: &now, AcceptRanges: new("bytes"), ServerSideEncryption: new("AES256"), ChecksumCRC64NVME: new("AAAAAAAAAAA="), Metadata: map[string]string{"name": "value"},
	}
	b.ReportAllocs()
	for b.Loop() {
		clear(w)
		body.Seek(0, io.SeekStart)
		if err := wire.EncodeResult(w, wire.RestXML, s3.Service, op, r, "0123456789ABCDEF", out); err != nil {
			b.Fatal(err)
		}
	}
}
