package wire_test

import (
	"net/http"
	"strings"
	"testing"

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
