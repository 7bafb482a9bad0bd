package conformance

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/test/testenv"
)

// The developer's view shows messages where they are and moves none.
func TestSQSMessagesView(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		q := create(t, env, "q", nil)
		look := func(query string) (status int, states string, first map[string]any) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), "GET", env.Endpoint+"/_runtime/sqs/messages?"+query, nil)
			q.must(err)
			res, err := env.AWS.HTTPClient.Do(req)
			q.must(err)
			defer res.Body.Close()
			var out struct{ Messages []map[string]any }
			q.must(json.NewDecoder(res.Body).Decode(&out))
			for _, m := range out.Messages {
				states += m["Body"].(string) + ":" + m["State"].(string) + " "
			}
			if len(out.Messages) > 0 {
				first = out.Messages[0]
			}
			return res.StatusCode, states, first
		}
		named := "QueueUrl=" + url.QueryEscape(*q.url)
		q.send("taken")
		q.receive(1, 0)
		_, err := q.sdk.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: aws.String("waits"),
			MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("x")}}})
		q.must(err)
		_, err = q.sdk.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: aws.String("later"), DelaySeconds: 60})
		q.must(err)
		before := q.counts()
		for range 2 {
			_, states, m := look(named)
			wantEqual(t, "visible", states, "waits:visible ")
			attributes := m["Attributes"].(map[string]any)
			wantEqual(t, "receives", attributes["ApproximateReceiveCount"].(string), "0")
			wantEqual(t, "digest", m["MD5OfMessageAttributes"].(string), "a45daa70926828a2f0a1db3418e6feb4")
			wantEqual(t, "attribute", m["MessageAttributes"].(map[string]any)["k"].(map[string]any)["StringValue"].(string), "x")
			for _, absent := range []string{"ReceiptHandle", "VisibleAt"} {
				if v, ok := m[absent]; ok {
					t.Errorf("a visible message has the %s %v", absent, v)
				}
			}
			if v, ok := attributes["ApproximateFirstReceiveTimestamp"]; ok {
				t.Errorf("a message that nobody received was first received at %v", v)
			}
		}
		_, states, _ := look(named + "&ShowInvisible=true")
		wantEqual(t, "in flight too", states, "taken:inflight waits:visible ")
		_, states, _ = look("QueueUrl=q&ShowInvisible=true&ShowDelayed=true")
		wantEqual(t, "all, by the bare name", states, "taken:inflight waits:visible later:delayed ")
		_, states, _ = look(named + "&ShowInvisible=true&MaxMessages=1")
		wantEqual(t, "one", states, "taken:inflight ")
		wantEqual(t, "counts", q.counts(), before)

		for query, want := range map[string]int{"": 404, "QueueUrl=none": 404, named + "&MaxMessages=0": 400, named + "&MaxMessages=1001": 400, named + "&MaxMessages=x": 400} {
			status, _, _ := look(query)
			wantEqual(t, "status of "+query, status, want)
		}
		time.Sleep(time.Minute)
		wantEqual(t, "what is received then", q.bodies(), "taken waits later")
	})
}
