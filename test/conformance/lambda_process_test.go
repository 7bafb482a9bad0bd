//go:build unix

package conformance

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"millrace/runtime/sandbox/gobuild"
	"millrace/test/needs"
	"millrace/test/testenv"
)

// misbehave is the zip file of functions/misbehave.
var misbehave = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bootstrap := filepath.Join(dir, "bootstrap")
	if err := gobuild.Build(context.Background(), "../../functions/misbehave", bootstrap); err != nil {
		return nil, err
	}
	return gobuild.Zip(bootstrap)
})

// A process is functions/misbehave, deployed as any function is: its time-out is
// a second.
type process struct {
	t    *testing.T
	sdk  *lambda.Client
	name *string
}

func deploy(t *testing.T, env *testenv.Env, name string, variables map[string]string) process {
	t.Helper()
	needs.Time(t)
	zip, err := misbehave()
	if err != nil {
		t.Fatal(err)
	}
	return deployZip(t, env, name, zip, variables)
}

func deployZip(t *testing.T, env *testenv.Env, name string, zip []byte, variables map[string]string) process {
	t.Helper()
	p := process{t, lambda.NewFromConfig(env.AWS), &name}
	in := &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(60), // a busy machine takes its time
		Role: aws.String("arn:aws:iam::000000000000:role/lambda"), Code: &types.FunctionCode{ZipFile: zip},
	}
	if variables != nil {
		in.Environment = &types.Environment{Variables: variables}
	}
	if _, err := p.sdk.CreateFunction(t.Context(), in); err != nil {
		t.Fatalf("CreateFunction: %v", err)
	}
	if err := lambda.NewFunctionActiveV2Waiter(p.sdk).Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &name}, time.Minute); err != nil {
		t.Fatalf("waiting for the function: %v", err)
	}
	return p
}

// limit has the function time out after so many seconds.
func (p process) limit(seconds int32) {
	p.t.Helper()
	if _, err := p.sdk.UpdateFunctionConfiguration(p.t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: p.name, Timeout: &seconds}); err != nil {
		p.t.Fatalf("UpdateFunctionConfiguration: %v", err)
	}
	if err := lambda.NewFunctionUpdatedV2Waiter(p.sdk).Wait(p.t.Context(), &lambda.GetFunctionInput{FunctionName: p.name}, time.Minute); err != nil {
		p.t.Fatalf("waiting for the function: %v", err)
	}
}

// does has the function do what an event asks for.
func (p process) does(event string) *lambda.InvokeOutput {
	p.t.Helper()
	out, err := p.sdk.Invoke(p.t.Context(), &lambda.InvokeInput{FunctionName: p.name, Payload: []byte(event), LogType: types.LogTypeTail})
	if err != nil {
		p.t.Fatalf("Invoke %s: %v", event, err)
	}
	return out
}

// What callers see of a process that fails, and what its log says of it. ID
// stands for the request's id.
func TestFailuresOfAProcess(t *testing.T) {
	p := deploy(t, testenv.Start(t), "misbehave", nil)
	const timeout = "a time-out"
	for _, c := range []struct {
		rule, event, payload, log string
	}{
		{"an error", `{"do":"error","text":"no"}`, `{"errorMessage":"no","errorType":"errorString"}`, ""},
		{"a panic", `{"do":"panic"}`, `{"errorMessage":"as asked","errorType":"string","stackTrace":[`,
			"RequestId: ID Error: Runtime exited with error: exit status 1\nRuntime.ExitError\nEND RequestId: ID\n"},
		{"an exit", `{"do":"exit","code":3}`, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}`,
			"\tStatus: error\tError Type: Runtime.ExitError\t\n"},
		{"an exit without a reason", `{"do":"exit"}`, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}`, ""},
		{"an answer above 6 MB", `{"do":"answer","bytes":6300000}`,
			`{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`, ""},
		{timeout, `{"do":"hang"}`, `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}`,
			" ID Task timed out after 1.00 seconds\nEND RequestId: ID\nREPORT RequestId: ID\tDuration: 1000.00 ms\t"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if c.rule == timeout {
				p.limit(1)
			}
			out := p.does(c.event)
			wantEqual(t, "status", out.StatusCode, 200)
			wantEqual(t, "function error", aws.ToString(out.FunctionError), "Unhandled")
			wantEqual(t, "version", aws.ToString(out.ExecutedVersion), "$LATEST")
			log, err := base64.StdEncoding.DecodeString(*out.LogResult)
			if err != nil {
				t.Fatal(err)
			}
			_, id, _ := strings.Cut(string(log), "END RequestId: ")
			id, _, _ = strings.Cut(id, "\n")
			known := strings.NewReplacer(id, "ID")
			if got := known.Replace(string(out.Payload)); !strings.HasPrefix(got, c.payload) {
				t.Errorf("payload is %s\nwant    %s", got, c.payload)
			}
			if got := known.Replace(string(log)); !strings.Contains(got, c.log) {
				t.Errorf("log is\n%s\nwant %q", got, c.log)
			}
		})
	}
}

// A process serves one event after the other until its code or configuration
// changes; then a new one does.
func TestProcessesAreKeptWarm(t *testing.T) {
	p := deploy(t, testenv.Start(t), "counter", nil)
	updated := func() {
		t.Helper()
		err := lambda.NewFunctionUpdatedV2Waiter(p.sdk).Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: p.name}, time.Minute)
		if err != nil {
			t.Fatalf("waiting for the update: %v", err)
		}
	}
	counts := func(rule, want string) {
		t.Helper()
		wantEqual(t, rule, string(p.does(`{"do":"count"}`).Payload), want)
	}
	counts("the first event", "1")
	counts("the second, in the same process", "2")

	_, err := p.sdk.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: p.name, MemorySize: aws.Int32(256)})
	if err != nil {
		t.Fatal(err)
	}
	updated()
	counts("after a change of configuration", "1")

	zip, _ := misbehave()
	if _, err := p.sdk.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: p.name, ZipFile: zip}); err != nil {
		t.Fatal(err)
	}
	updated()
	counts("after an update of the code", "1")

	if _, err := p.sdk.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: p.name, ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	_, err = p.sdk.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: p.name}, func(o *lambda.Options) { o.Retryer = aws.NopRetryer{} })
	wantError(t, "no concurrency", err, "TooManyRequestsException", "Rate Exceeded.")
}

// The messages of a process that dies come back, and in the end go to the
// dead-letter queue.
func TestMessagesOfACrashedProcessComeBack(t *testing.T) {
	env := testenv.Start(t)
	dead := create(t, env, "dead", nil)
	q := create(t, env, "orders", map[string]string{
		"VisibilityTimeout": "1",
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}`,
	})
	p := deploy(t, env, "orders", map[string]string{"INIT": "exit"})
	p.limit(1) // no more than the queue hides its messages
	mapQueue(t, env, lambda.CreateEventSourceMappingInput{}, "orders", *p.name)
	sent := q.send("poison")
	got := dead.receive(1, 20)
	if len(got) != 1 {
		t.Fatalf("%d messages in the dead-letter queue, want 1", len(got))
	}
	wantEqual(t, "message id", *got[0].MessageId, *sent.MessageId)
	wantEqual(t, "receives", got[0].Attributes["ApproximateReceiveCount"], fmt.Sprint(3)) // two of the function, one of ours
}

// Code may hold symbolic links, bootstrap among them. One that leads out of the
// code's folder is there, and is not run.
func TestCodeWithLinks(t *testing.T) {
	needs.Time(t)
	plain, err := misbehave()
	if err != nil {
		t.Fatal(err)
	}
	linked := func(target string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		link := &zip.FileHeader{Name: "bootstrap"}
		link.SetMode(0o777 | fs.ModeSymlink)
		l, err := w.CreateHeader(link)
		if err == nil {
			_, err = l.Write([]byte(target))
		}
		r, e := zip.NewReader(bytes.NewReader(plain), int64(len(plain)))
		if err = errors.Join(err, e); err != nil {
			t.Fatal(err)
		}
		main := r.File[0].FileHeader
		main.Name = "bin/main"
		out, err := w.CreateRaw(&main)
		if err != nil {
			t.Fatal(err)
		}
		in, err := r.File[0].OpenRaw()
		if err == nil {
			_, err = io.Copy(out, in)
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	env := testenv.Start(t)
	inside := deployZip(t, env, "inside", linked("bin/main"), nil)
	wantEqual(t, "a link to a file beside it", string(inside.does(`{"do":"error","text":"no"}`).Payload), `{"errorMessage":"no","errorType":"errorString"}`)
	outside := deployZip(t, env, "outside", linked("/bin/sh"), nil)
	if got := string(outside.does(`{}`).Payload); !strings.Contains(got, "Couldn't find valid bootstrap(s)") {
		t.Errorf("a link that leads out: %s", got)
	}
}
