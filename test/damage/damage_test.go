// Package damage cuts short and flips the bytes of every file of a data folder,
// and wants that the runtime starts, serves what can be read, and names the rest.
package damage

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/cmd/runtime/app"
	"millrace/runtime/store/backbone/backbonetest"
	"millrace/runtime/store/loss"
	"millrace/test/needs"
	"millrace/test/wholebody"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }

// What a prepared folder holds: by queue, the bodies that were sent and not
// deleted, and those that were.
type content struct {
	alive, deleted map[string]map[string]bool
}

type runtime struct {
	*app.App
	sqs    *sqs.Client
	lambda *lambda.Client
	sns    *sns.Client
}

func start(t *testing.T, dir string) (*runtime, error) {
	a := app.New(app.Config{Listen: "127.0.0.1:0", Data: dir, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err := a.Start(t.Context()); err != nil {
		return nil, err
	}
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(a.Endpoint()), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("000000000000", "secret", ""),
		HTTPClient:  &http.Client{Transport: wholebody.Transport(&http.Transport{DisableKeepAlives: true})},
	}
	return &runtime{a, sqs.NewFromConfig(cfg), lambda.NewFromConfig(cfg), sns.NewFromConfig(cfg)}, nil
}

func (r *runtime) stop(t *testing.T) {
	t.Helper()
	if err := r.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func url(r *runtime, queue string) *string {
	return aws.String(r.Endpoint() + "/000000000000/" + queue)
}

// folder is a folder for the test: in memory where there is such a place, since a
// few hundred starts sync a few thousand files.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "millrace-damage-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// prepare fills a data folder, and copies it while it is in use, as a killed
// process leaves it, and after an orderly stop.
func prepare(t *testing.T) (killed, stopped string, c content) {
	t.Helper()
	dir, killed := filepath.Join(folder(t), "data"), filepath.Join(folder(t), "killed")
	r, err := start(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	c = content{map[string]map[string]bool{}, map[string]map[string]bool{}}
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []string{"standard", "line.fifo", "empty"} {
		attributes := map[string]string{"VisibilityTimeout": "43200"}
		if strings.HasSuffix(q, ".fifo") {
			attributes["FifoQueue"] = "true"
		}
		check(r.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &q, Attributes: attributes}))
		c.alive[q], c.deleted[q] = map[string]bool{}, map[string]bool{}
	}
	for n := range 30 {
		body := fmt.Sprintf("standard-%d", n)
		check(r.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url(r, "standard"), MessageBody: &body}))
		c.alive["standard"][body] = true
		body = fmt.Sprintf("fifo-%d", n)
		check(r.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: url(r, "line.fifo"), MessageBody: &body,
			MessageGroupId: aws.String(strconv.Itoa(n % 3)), MessageDeduplicationId: &body,
		}))
		c.alive["line.fifo"][body] = true
		if n == 20 { // some are deleted, some stay in flight
			for q := range maps.Keys(c.alive) {
				got, err := r.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url(r, q), MaxNumberOfMessages: 6})
				check(got, err)
				for i, m := range got.Messages {
					if i < 4 {
						check(r.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url(r, q), ReceiptHandle: m.ReceiptHandle}))
						c.deleted[q][*m.Body] = true
						delete(c.alive[q], *m.Body)
					}
				}
			}
		}
	}
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	w, err := z.Create("bootstrap")
	check(w, err)
	w.Write([]byte("#!/bin/sh\n"))
	z.Close()
	check(r.lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Runtime: lambdatypes.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
	}))
	r.prepareTopic(t)
	check(nil, os.CopyFS(killed, os.DirFS(dir)))
	r.stop(t)
	return killed, dir, c
}

// The ways to damage a file.
func damages() map[string]func([]byte) []byte {
	all := map[string]func([]byte) []byte{
		"emptied":      func([]byte) []byte { return nil },
		"cut by half":  func(b []byte) []byte { return b[:len(b)/2] },
		"cut by three": func(b []byte) []byte { return b[:len(b)-3] },
	}
	for _, part := range []int64{0, 10, 37, 50, 82, 99} {
		all[fmt.Sprintf("flipped at %d%%", part)] = func(b []byte) []byte {
			b = bytes.Clone(b)
			b[int64(len(b)-1)*part/100] ^= 0x10
			return b
		}
	}
	return all
}

func TestDamageIsNeverSilent(t *testing.T) {
	needs.Long(t)
	killed, stopped, want := prepare(t)
	for name, whole := range map[string]string{"killed": killed, "stopped": stopped} {
		err := filepath.WalkDir(whole, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() { // links to streams are no state
				return err
			}
			file, _ := filepath.Rel(whole, path)
			data, err := os.ReadFile(path)
			if err != nil || len(data) < 4 {
				return err
			}
			if file == "marks" {
				data = data[:4096] // the rest is room
			}
			ways := damages()
			for _, way := range slices.Sorted(maps.Keys(ways)) {
				t.Run(name+"/"+file+"/"+way, func(t *testing.T) {
					dir := filepath.Join(folder(t), "data")
					if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, file), ways[way](data), 0o600); err != nil {
						t.Fatal(err)
					}
					examine(t, dir, want)
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// examine starts the runtime on a damaged folder and compares what it serves, and
// what it says is lost, with what was there.
func examine(t *testing.T, dir string, want content) {
	r, err := start(t, dir)
	if err != nil {
		t.Fatalf("did not start: %v", err)
	}
	defer r.stop(t)
	status, err := r.Status(t.Context())
	if err != nil {
		t.Fatalf("status: %v", err)
	}
	lost := map[string]loss.Loss{}
	for _, l := range status.Losses {
		if l.Kind == loss.Queue {
			lost[l.Name[strings.LastIndex(l.Name, ":")+1:]] = l
		}
	}
	for q, alive := range want.alive {
		served, hidden, err := r.drain(t, q)
		if err != nil {
			t.Errorf("queue %s: %v; named are %v", q, err, status.Losses)
			continue
		}
		loss, named := lost[q]
		again := 0
		for body, times := range served {
			switch {
			case times > 1:
				t.Errorf("%s: %q came %d times", q, body, times)
			case want.deleted[q][body]:
				again++
			case !alive[body]:
				t.Errorf("%s: %q was never sent", q, body)
			}
		}
		here := len(served) + hidden
		switch {
		case again > 0 && !named:
			t.Errorf("%s: %d deleted messages come again, and nothing is said", q, again)
		case named && loss.AtMost:
			if here-again+int(loss.Messages) < len(alive) {
				t.Errorf("%s: %d of %d are here, and no more than %d named lost: %+v", q, here, len(alive), loss.Messages, loss)
			}
		case here-again+int(loss.Messages) != len(alive):
			t.Errorf("%s: %d of %d are here, and %d named lost: %+v; all: %v", q, here, len(alive), loss.Messages, loss, status.Losses)
		}
	}
	// Its record has a copy; nothing has one of its code.
	if _, err := r.lambda.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("f")}); err != nil {
		t.Errorf("the function is gone: %v; named are %v", err, status.Losses)
	}
	r.examineTopic(t)
	r.goOn(t)
}

// goOn sees that the damage is over: what is written now stays.
func (r *runtime) goOn(t *testing.T) {
	t.Helper()
	if _, err := r.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("later")}); err != nil {
		t.Errorf("creating a queue: %v", err)
	}
	for _, q := range []string{"standard", "line.fifo", "empty", "later"} {
		message := sqs.SendMessageInput{QueueUrl: url(r, q), MessageBody: aws.String("later")}
		if strings.HasSuffix(q, ".fifo") {
			message.MessageGroupId, message.MessageDeduplicationId = aws.String("later"), aws.String("later")
		}
		if _, err := r.sqs.SendMessage(t.Context(), &message); err != nil {
			t.Errorf("%s: sending: %v", q, err)
			continue
		}
		if served, _, err := r.drain(t, q); err != nil || served["later"] != 1 {
			t.Errorf("%s: %v came after the damage: %v", q, served, err)
		}
	}
	// The function has a record, if only the one it had; it can be written.
	_, err := r.lambda.TagResource(t.Context(), &lambda.TagResourceInput{
		Resource: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f"), Tags: map[string]string{"later": "too"},
	})
	if err != nil {
		t.Errorf("writing the record of the function: %v", err)
	}
}

// drain receives what is visible, and counts what is not.
func (r *runtime) drain(t *testing.T, queue string) (served map[string]int, hidden int, err error) {
	served = map[string]int{}
	for {
		got, err := r.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url(r, queue), MaxNumberOfMessages: 10})
		if err != nil {
			return nil, 0, err
		}
		if len(got.Messages) == 0 {
			break
		}
		for _, m := range got.Messages {
			served[*m.Body]++
			if _, err := r.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url(r, queue), ReceiptHandle: m.ReceiptHandle}); err != nil {
				return nil, 0, err
			}
		}
	}
	a, err := r.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url(r, queue), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		return nil, 0, err
	}
	for _, n := range []string{"ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessages"} {
		hidden += atoi(a.Attributes[n])
	}
	return served, hidden, nil
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }
