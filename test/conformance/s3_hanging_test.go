package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"millrace/test/testenv"
)

// A function that hangs keeps nobody from putting objects, nor a queue beside it from getting
// its events at once; and it gets its own when it works again.
func TestNotificationsBesideAFunctionThatHangs(t *testing.T) {
	testenv.Bubble(t, func(t *testing.T, env *testenv.Env) {
		const objects = 20
		b := createNotifier(t, env, "uploads")
		q := create(t, env, "beside", nil)
		var mu sync.Mutex
		ran := map[string]bool{}
		var hanging atomic.Bool
		env.Handle("hangs", func(ctx context.Context, payload json.RawMessage) error {
			if hanging.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			ran[told(t, string(payload))] = true
			return nil
		})
		hanging.Store(true)
		worker := "arn:aws:lambda:us-east-1:000000000000:function:hangs"
		permit := &lambda.AddPermissionInput{FunctionName: aws.String("hangs"), StatementId: aws.String("s3"), Action: aws.String("lambda:InvokeFunction"),
			Principal: aws.String("s3.amazonaws.com")}
		if _, err := lambda.NewFromConfig(env.AWS).AddPermission(t.Context(), permit); err != nil {
			t.Fatal(err)
		}
		created := []types.Event{"s3:ObjectCreated:*"}
		if err := b.notify(&types.NotificationConfiguration{
			LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{LambdaFunctionArn: &worker, Events: created, Filter: prefixFilter("f/")}},
			QueueConfigurations:          []types.QueueConfiguration{{QueueArn: aws.String(queueARNs + "beside"), Events: created, Filter: prefixFilter("q/")}},
		}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for i := range objects {
			b.put(fmt.Sprint("f/", i), "x")
			b.put(fmt.Sprint("q/", i), "x")
			synctest.Wait()
			wantEqual(t, "the queue", q.taken(func(body string) string { return told(t, body) }), fmt.Sprint("ObjectCreated:Put q/", i, " 1"))
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%d puts took %v beside a function that hangs", 2*objects, took)
		}
		time.Sleep(10 * time.Second)
		hanging.Store(false)
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		for i := range objects {
			if want := fmt.Sprint("ObjectCreated:Put f/", i, " 1"); !ran[want] {
				t.Errorf("the function never got %q", want)
			}
		}
	})
}
