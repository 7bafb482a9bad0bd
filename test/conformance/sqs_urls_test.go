package conformance

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	service "millrace/services/sqs"
	"millrace/test/testenv"
)

// A URL that is handed out leads to its queue, in whatever form and region: as
// the address of a request, and as the QueueUrl of one.
func TestSQSURLsLeadBack(t *testing.T) {
	for form, want := range map[service.URLForm]string{
		service.PlainURLs:    "http://localhost:4566/000000000000/q",
		service.StandardURLs: "http://sqs.eu-west-1.localhost:4566/000000000000/q",
		service.DomainURLs:   "http://eu-west-1.queue.localhost:4566/000000000000/q",
		service.PathURLs:     "http://localhost:4566/queue/eu-west-1/000000000000/q",
		service.DynamicURLs:  "http://localhost:4566/000000000000/q",
	} {
		t.Run(string(form), func(t *testing.T) {
			with(t, service.Options{URLs: form}, func(t *testing.T, env *testenv.Env) {
				env.AWS.Region = "eu-west-1"
				q := create(t, env, "q", nil)
				wantEqual(t, "created", *q.url, want)
				name := "q"
				found, err := q.sdk.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
				q.must(err)
				wantEqual(t, "found", *found.QueueUrl, want)
				listed, err := q.sdk.ListQueues(t.Context(), &sqs.ListQueuesInput{})
				q.must(err)
				wantEqual(t, "listed", strings.Join(listed.QueueUrls, " "), want)

				q.send("by the SDK")
				req, err := http.NewRequestWithContext(t.Context(), "POST", want, strings.NewReader("Action=SendMessage&MessageBody=by+the+URL"))
				q.must(err)
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				req.Header.Set("Authorization", strings.Replace(signature("000000000000"), "us-east-1", "eu-west-1", 1))
				res, err := env.AWS.HTTPClient.Do(req)
				q.must(err)
				defer res.Body.Close()
				if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 {
					t.Errorf("sending to the URL: %d %s %v", res.StatusCode, body, err)
				}
				wantEqual(t, "received", q.bodies(), "by the SDK by the URL")
			})
		})
	}
}
