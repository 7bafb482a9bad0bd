package gateway

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	lambda "millrace/services/internal/api/lambda"
	sqs "millrace/services/internal/api/sqs"
	"millrace/services/internal/wire"
)

// A keeper keeps what it was sent.
type keeper struct {
	sqs.Unimplemented
	text *string
}

func (keeper) Model() *wire.Service { return sqs.Service }

func (k keeper) SendMessage(_ context.Context, in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
	*k.text = *in.MessageBody
	return &sqs.SendMessageOutput{}, nil
}

type runner struct {
	lambda.Unimplemented
	payload *[]byte
}

func (runner) Model() *wire.Service { return lambda.Service }

func (r runner) Invoke(_ context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	*r.payload = in.Payload
	return &lambda.InvokeOutput{}, nil
}

// A lentBody is there already, and is another request's afterwards.
type lentBody struct{ all []byte }

func (l *lentBody) Bytes() []byte          { return l.all }
func (*lentBody) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (*lentBody) Close() error             { return nil }

func TestKeepsNothingOfALentBody(t *testing.T) {
	for _, c := range []struct{ path, kind, target, body, want string }{
		{"/", "application/x-amz-json-1.0", "AmazonSQS.SendMessage", `{"MessageBody":"kept"}`, "kept"},
		{"/", "application/x-www-form-urlencoded", "", `Action=SendMessage&Version=2012-11-05&MessageBody=kept`, "kept"},
		{"/2015-03-31/functions/f/invocations", "", "", `{"kept":1}`, `{"kept":1}`},
	} {
		var text string
		var payload []byte
		g := New(Config{Services: []Service{keeper{text: &text}, runner{payload: &payload}}, Own: http.NotFoundHandler(), Account: "000000000000", Region: "us-east-1"})
		body := &lentBody{[]byte(c.body)}
		r := newRequest("POST", c.path, map[string]string{"X-Amz-Target": c.target, "Content-Type": c.kind}, body)
		r.ContentLength = int64(len(c.body))
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		for i := range body.all {
			body.all[i] = '!'
		}
		if got := text + string(payload); got != c.want || w.Code >= 300 {
			t.Errorf("%s %s: %d, %q is kept, want %q", c.path, c.target, w.Code, got, c.want)
		}
	}
}
