package conformance

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"millrace/cmd/runtime/app"
	"millrace/test/testenv"
)

// A notifier is a bucket with the client that made it.
type notifier struct {
	t    *testing.T
	sdk  *s3.Client
	name string
}

func createNotifier(t *testing.T, env *testenv.Env, name string) notifier {
	t.Helper()
	b := notifier{t, s3.NewFromConfig(env.AWS, func(o *s3.Options) { o.UsePathStyle = true }), name}
	if _, err := b.sdk.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b notifier) put(key, body string) {
	b.t.Helper()
	if _, err := b.sdk.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: strings.NewReader(body)}); err != nil {
		b.t.Fatal(err)
	}
}

func (b notifier) remove(key string) {
	b.t.Helper()
	if _, err := b.sdk.DeleteObject(b.t.Context(), &s3.DeleteObjectInput{Bucket: &b.name, Key: &key}); err != nil {
		b.t.Fatal(err)
	}
}

func (b notifier) notify(c *types.NotificationConfiguration) error {
	_, err := b.sdk.PutBucketNotificationConfiguration(b.t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: &b.name, NotificationConfiguration: c})
	return err
}

// list is the keys of a bucket.
func (b notifier) list() (keys []string) {
	b.t.Helper()
	out, err := b.sdk.ListObjectsV2(b.t.Context(), &s3.ListObjectsV2Input{Bucket: &b.name})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, o := range out.Contents {
		keys = append(keys, *o.Key)
	}
	return keys
}

// fromBucket is the policy of a queue or topic that a bucket may send to.
func fromBucket(arn, action, bucket string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"s3","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"` + action +
		`","Resource":"` + arn + `","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::` + bucket + `"},"StringEquals":{"aws:SourceAccount":"000000000000"}}}]}`
}

// told is what notifications say, in short: name, key and size of each record, or the name
// of a test event.
func told(t *testing.T, body string) string {
	t.Helper()
	var n struct {
		Event   string
		Records []events.S3EventRecord
	}
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	var all []string
	if n.Event != "" {
		all = append(all, n.Event)
	}
	for _, r := range n.Records {
		all = append(all, fmt.Sprint(r.EventName, " ", r.S3.Object.Key, " ", r.S3.Object.Size))
	}
	return strings.Join(all, ", ")
}

// An upload is told to a queue, to a queue and a function behind a topic, and to a function.
func TestBucketTellsOfUploads(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		b := createNotifier(t, env, "uploads")
		q := create(t, env, "direct", nil)
		q.set("Policy", fromBucket(queueARNs+"direct", "sqs:SendMessage", "uploads"))
		p := createTopic(t, env, "fanout", nil)
		p.set("Policy", fromBucket(p.arn, "SNS:Publish", "uploads"))
		behind, _ := p.feed("behind")

		var mu sync.Mutex
		var ran []string
		env.Handle("worker", func(_ context.Context, payload json.RawMessage) error {
			mu.Lock()
			defer mu.Unlock()
			ran = append(ran, told(t, string(payload)))
			return nil
		})
		worker := "arn:aws:lambda:us-east-1:000000000000:function:worker"
		permit := &lambda.AddPermissionInput{FunctionName: aws.String("worker"), StatementId: aws.String("s3"), Action: aws.String("lambda:InvokeFunction"),
			Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::uploads"), SourceAccount: aws.String("000000000000")}
		if _, err := lambda.NewFromConfig(env.AWS).AddPermission(t.Context(), permit); err != nil {
			t.Fatal(err)
		}
		if err := b.notify(&types.NotificationConfiguration{
			QueueConfigurations: []types.QueueConfiguration{{QueueArn: aws.String(queueARNs + "direct"), Filter: prefixFilter("q/"),
				Events: []types.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}}},
			TopicConfigurations:          []types.TopicConfiguration{{TopicArn: &p.arn, Events: []types.Event{"s3:ObjectCreated:*"}, Filter: prefixFilter("t/")}},
			LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{LambdaFunctionArn: &worker, Events: []types.Event{"s3:ObjectCreated:Put"}, Filter: prefixFilter("f/")}},
		}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantEqual(t, "the queue's test event", q.taken(func(body string) string { return told(t, body) }), "s3:TestEvent")
		wantEqual(t, "the topic's test event", behind.taken(func(body string) string { return told(t, readNotification(t, body).Message) }), "s3:TestEvent")

		b.put("q/a b@c.txt", "hello\n")
		b.put("t/1", "1")
		b.put("f/22", "22")
		b.put("elsewhere", "")
		time.Sleep(time.Minute)
		b.remove("q/a b@c.txt")
		time.Sleep(time.Minute)
		queued := q.taken(func(body string) string { return told(t, body) })
		for _, part := range []string{"ObjectCreated:Put q/a+b%40c.txt 6", "ObjectRemoved:Delete q/a+b%40c.txt 0"} {
			if !strings.Contains(queued, part) {
				t.Errorf("the queue got %q, without %q", queued, part)
			}
		}
		wantEqual(t, "the queue behind the topic", behind.taken(func(body string) string {
			n := readNotification(t, body)
			wantEqual(t, "subject", n.Subject, "Amazon S3 Notification")
			return told(t, n.Message)
		}), "ObjectCreated:Put t/1 1")
		mu.Lock()
		wantEqual(t, "the function", strings.Join(ran, "; "), "ObjectCreated:Put f/22 2")
		mu.Unlock()

		if err := b.notify(&types.NotificationConfiguration{}); err != nil {
			t.Fatal(err)
		}
		b.put("q/later", "")
		time.Sleep(time.Minute)
		wantEqual(t, "nothing is announced anymore", q.taken(func(body string) string { return told(t, body) }), "")
	})
}

// A queue that was just made, and has no policy, gets what is uploaded and nothing before it.
// AWS refuses such a queue.
func TestBucketTellsAQueueAsItIs(t *testing.T) { tellQueue(t, "") }

// So does one with a policy where test events are off.
func TestBucketSendsNoTestEventWhereTheyAreOff(t *testing.T) {
	tellQueue(t, fromBucket(queueARNs+"uploads-events", "sqs:SendMessage", "uploads"), func(c *app.Config) { c.S3.TestEventsOff = true })
}

func tellQueue(t *testing.T, policy string, options ...testenv.Option) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		b, q := createNotifier(t, env, "uploads"), create(t, env, "uploads-events", nil)
		if policy != "" {
			q.set("Policy", policy)
		}
		if err := b.notify(&types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{
			{QueueArn: aws.String(queueARNs + "uploads-events"), Events: []types.Event{"s3:ObjectCreated:*"}},
		}}); err != nil {
			t.Fatal(err)
		}
		b.put("hello.txt", "hello\n")
		time.Sleep(time.Minute)
		wantEqual(t, "the first message", told(t, *q.one().Body), "ObjectCreated:Put hello.txt 6")
	}, options...)
}

// Destinations that S3 may not use are refused, and change nothing.
func TestBucketAsksItsDestinations(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		b := createNotifier(t, env, "uploads")
		q := create(t, env, "closed", nil)
		to := func(name string) *types.NotificationConfiguration {
			return &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{{QueueArn: aws.String(queueARNs + name), Events: []types.Event{"s3:ObjectCreated:*"}}}}
		}
		refused := func(rule string, err error) {
			t.Helper()
			var e interface{ ErrorMessage() string }
			if !errors.As(err, &e) || e.ErrorMessage() != "Unable to validate the following destination configurations" {
				t.Errorf("%s: got %v", rule, err)
			}
		}
		refused("no queue", b.notify(to("none")))
		q.set("Policy", fromBucket(queueARNs+"closed", "sqs:SendMessage", "others"))
		refused("a queue for another bucket", b.notify(to("closed")))
		b.put("k", "")
		time.Sleep(time.Minute)
		wantEqual(t, "after refusals", q.counts(), "0/0/0")
		q.set("Policy", fromBucket(queueARNs+"closed", "sqs:SendMessage", "uploads"))
		if err := b.notify(to("closed")); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "the test event", q.taken(func(body string) string { return told(t, body) }), "s3:TestEvent")
	})
}

// What Lambda gives up is told to a bucket, in an object of its own.
func TestAsyncFailureInABucket(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		b := createNotifier(t, env, "failures")
		f := deployAsync(t, env, "orders", func(json.RawMessage) (any, error) { return nil, errors.New("no stock") })
		f.destinations("", "arn:aws:s3:::failures")
		id := f.invoke(`{"a":1}`)
		time.Sleep(time.Hour)
		keys := b.list()
		if len(keys) != 1 || !strings.HasPrefix(keys[0], "aws/lambda/async/orders/2000/01/01/2000-01-01T00.") || !strings.HasSuffix(keys[0], "-"+id) {
			t.Fatalf("objects: %v", keys)
		}
		out, err := b.sdk.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &b.name, Key: &keys[0]})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		var record struct {
			RequestContext struct{ RequestID, Condition string }
			RequestPayload json.RawMessage
		}
		if err := json.Unmarshal(body, &record); err != nil || record.RequestContext.RequestID != id || record.RequestContext.Condition != "RetriesExhausted" || string(record.RequestPayload) != `{"a":1}` {
			t.Errorf("record: %s, %v", body, err)
		}
	})
}

// A function's code may lie in a bucket.
func TestFunctionCodeInABucket(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		b := createNotifier(t, env, "code")
		var zipped bytes.Buffer
		w := zip.NewWriter(&zipped)
		if _, err := w.Create("bootstrap"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b.put("orders.zip", zipped.String())
		client := lambda.NewFromConfig(env.AWS)
		out, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String("orders"), Role: aws.String("arn:aws:iam::000000000000:role/worker"), Runtime: "provided.al2023", Handler: aws.String("bootstrap"),
			Code: &lambdatypes.FunctionCode{S3Bucket: &b.name, S3Key: aws.String("orders.zip")},
		})
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "size", out.CodeSize, int64(zipped.Len()))
		_, err = client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("orders"), S3Bucket: aws.String("code"), S3Key: aws.String("none")})
		var e interface{ ErrorMessage() string }
		if !errors.As(err, &e) || e.ErrorMessage() != "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist." {
			t.Errorf("no such key: %v", err)
		}
	})
}

// prefixFilter is for keys that start so.
func prefixFilter(prefix string) *types.NotificationConfigurationFilter {
	return &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: "prefix", Value: &prefix}}}}
}
