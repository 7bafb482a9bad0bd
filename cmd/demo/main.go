// Command demo is `make run`: it starts the runtime beside itself, deploys
// functions/orders through the Lambda API, puts it behind a queue with a
// dead-letter queue, sends orders with the AWS SDK, and leaves the runtime up
// until it is interrupted. One of the orders cannot be processed, on purpose.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/runtime/sandbox/gobuild"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	server, endpoint, err := startRuntime(filepath.Join(filepath.Dir(self), "runtime"), os.Args[1:])
	if err != nil {
		return err
	}
	d := newDemo(endpoint)
	if err := d.play(ctx); err != nil && ctx.Err() == nil {
		stop(server.Process)
		return errors.Join(err, server.Wait())
	}
	go func() {
		<-ctx.Done()
		stop(server.Process)
	}()
	return server.Wait()
}

// startRuntime runs the binary with its output on ours, and returns once it has
// said that it is ready, with the endpoint that it named.
func startRuntime(binary string, args []string) (*exec.Cmd, string, error) {
	cmd := exec.Command(binary, append([]string{"start"}, args...)...)
	cmd.Stderr = os.Stderr
	setApart(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	ready := &readyLine{endpoint: make(chan string, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.MultiWriter(os.Stdout, ready), out)
	}()
	select {
	case endpoint := <-ready.endpoint:
		return cmd, endpoint, nil
	case <-ended:
		return nil, "", errors.Join(errors.New("the runtime did not start"), cmd.Wait())
	}
}

// A readyLine watches for "Millrace is ready at ENDPOINT, …".
type readyLine struct {
	endpoint chan string
	seen     strings.Builder
	found    bool
}

func (r *readyLine) Write(p []byte) (int, error) {
	if r.found {
		return len(p), nil
	}
	r.seen.Write(p)
	_, rest, ok := strings.Cut(r.seen.String(), "Millrace is ready at ")
	if endpoint, _, ended := strings.Cut(rest, ","); ok && ended {
		r.found = true
		r.endpoint <- endpoint
	}
	return len(p), nil
}

// A demo is the SDK's clients, as any program would make them.
type demo struct {
	sqs    *sqs.Client
	lambda *lambda.Client
	iam    *iam.Client
}

func newDemo(endpoint string) *demo {
	cfg := aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	return &demo{sqs.NewFromConfig(cfg), lambda.NewFromConfig(cfg), iam.NewFromConfig(cfg)}
}

// play is the walk-through of the README in Go. It can be played again over the
// same data folder.
func (d *demo) play(ctx context.Context) error {
	say("Building functions/orders and deploying it")
	if err := d.deploy(ctx, "orders", "./functions/orders"); err != nil {
		return fmt.Errorf("deploying: %w", err)
	}
	say("Creating the queue orders with the dead-letter queue orders-dead, and mapping it to the function")
	url, err := d.queues(ctx)
	if err != nil {
		return fmt.Errorf("creating the queues: %w", err)
	}
	if err := d.mapQueue(ctx); err != nil {
		return fmt.Errorf("mapping the queue: %w", err)
	}
	say("Sending five orders; the last one cannot be processed and goes to orders-dead after three tries")
	entries := make([]sqstypes.SendMessageBatchRequestEntry, 5)
	for i := range entries {
		quantity := i + 1
		if i == len(entries)-1 {
			quantity = 0
		}
		entries[i] = sqstypes.SendMessageBatchRequestEntry{
			Id:          aws.String(fmt.Sprint(i)),
			MessageBody: aws.String(fmt.Sprintf(`{"id":"order-%d","item":"millstone","quantity":%d}`, i+1, quantity)),
		}
	}
	if _, err := d.sqs.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries}); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	if err := d.awaitDeadLetter(ctx); err != nil {
		return err
	}
	say("The runtime stays up; stop it with Ctrl-C, or send it another order from a second terminal:")
	fmt.Printf("curl --user test:test --aws-sigv4 aws:amz:us-east-1:sqs %s -d Action=SendMessage -d 'MessageBody={\"id\":\"order-6\",\"item\":\"sluice\",\"quantity\":1}'\n", url)
	return nil
}

func (d *demo) deploy(ctx context.Context, name, dir string) error {
	role, err := d.role(ctx)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "millrace-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	bootstrap := filepath.Join(tmp, "bootstrap")
	if err := gobuild.Build(ctx, dir, bootstrap); err != nil {
		return err
	}
	zip, err := gobuild.Zip(bootstrap)
	if err != nil {
		return err
	}
	arch := lambdatypes.ArchitectureX8664
	if runtime.GOARCH == "arm64" {
		arch = lambdatypes.ArchitectureArm64
	}
	_, err = d.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: &role, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{arch}, Code: &lambdatypes.FunctionCode{ZipFile: zip},
	})
	var exists *lambdatypes.ResourceConflictException
	if errors.As(err, &exists) {
		_, err = d.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: zip})
	}
	return err
}

// role returns the ARN of the function's role: made the first time, found after.
func (d *demo) role(ctx context.Context) (string, error) {
	name := aws.String("orders-role")
	if got, err := d.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: name}); err == nil {
		return *got.Role.Arn, nil
	}
	made, err := d.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		return "", err
	}
	return *made.Role.Arn, nil
}

func (d *demo) queues(ctx context.Context) (url string, err error) {
	if _, err := d.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders-dead")}); err != nil {
		return "", err
	}
	made, err := d.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders"), Attributes: map[string]string{
		"VisibilityTimeout": "3", // short, so that three tries pass while you watch
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dead","maxReceiveCount":3}`,
	}})
	if err != nil {
		return "", err
	}
	return *made.QueueUrl, nil
}

func (d *demo) mapQueue(ctx context.Context) error {
	_, err := d.lambda.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("orders"), EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:orders"),
		BatchSize: aws.Int32(5), FunctionResponseTypes: []lambdatypes.FunctionResponseType{lambdatypes.FunctionResponseTypeReportBatchItemFailures},
	})
	var exists *lambdatypes.ResourceConflictException
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

// awaitDeadLetter shows the order that nobody could process.
func (d *demo) awaitDeadLetter(ctx context.Context) error {
	found, err := d.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("orders-dead")})
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		got, err := d.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: found.QueueUrl, WaitTimeSeconds: 20})
		if err != nil {
			return err
		}
		for _, m := range got.Messages {
			say("In orders-dead: " + *m.Body)
			if _, err := d.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: found.QueueUrl, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
			return nil
		}
	}
	return errors.New("the bad order did not reach orders-dead within a minute")
}

func say(text string) { fmt.Println("==>", text) }
