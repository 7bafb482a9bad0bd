package mq

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/test/needs"
	"millrace/test/patience"
)

// A service manager that signals the runtime alone, as deploy/systemd has it, ends
// functions with a kill, and leaves brokers to be adopted; a stop ends both.
func TestOnlyTheRuntimeIsSignaled(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	s := start(t, "--mq-driver", "process")
	b := s.create("steady", "3.13")
	s.function("steady-function")
	functions := func() []string { return carrying("AWS_LAMBDA_FUNCTION_NAME=steady-function") }
	if len(functions()) == 0 {
		t.Fatal("no process of the function is found")
	}
	b.await(types.BrokerStateRunning)
	pid, processes := b.pid(), len(b.processes())
	connection, err := b.dial(b.owner, b.password)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()

	s.down(syscall.SIGKILL)
	patience.Until(t, "the end of the function", func() bool { return len(functions()) == 0 }, nil)
	if connection.IsClosed() {
		t.Error("a client of the broker was cut off with the runtime")
	}
	if said := b.command("doctor"); !strings.Contains(said, b.id+"-1, running: process") || !strings.Contains(said, "runtime stop --purge --data "+s.data) {
		t.Errorf("the doctor does not say what is left, and what to do:\n%s", said)
	}
	if got := len(b.processes()); got != processes {
		t.Errorf("of the broker run %d processes, want %d", got, processes)
	}
	s.up()
	b.await(types.BrokerStateRunning)
	if b.pid() != pid {
		t.Error("the broker was not adopted")
	}
	if channel, err := connection.Channel(); err != nil {
		t.Errorf("a client of the broker after the adoption: %v", err)
	} else {
		channel.Close()
	}

	s.down(syscall.SIGTERM)
	if left := b.processes(); len(left) > 0 {
		t.Errorf("the runtime was stopped, and of its broker run %v", left)
	}
}

// function makes a function and invokes it once, so that a process of it waits for more.
func (s *server) function(name string) {
	s.Helper()
	bootstrap := filepath.Join(s.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "millrace/functions/noop")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		s.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(bootstrap)
	if err != nil {
		s.Fatal(err)
	}
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err != nil {
		s.Fatal(err)
	}
	w.Write(program)
	if err := z.Close(); err != nil {
		s.Fatal(err)
	}
	api := lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	if _, err := api.CreateFunction(s.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Timeout: aws.Int32(60),
		Role: aws.String("arn:aws:iam::000000000000:role/steady"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
	}); err != nil {
		s.Fatal(err)
	}
	patience.Until(s, "an invocation", func() bool { // the function becomes active
		out, err := api.Invoke(s.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte("{}")})
		if err == nil && out.FunctionError != nil {
			s.Fatalf("%s: %s", *out.FunctionError, out.Payload)
		}
		return err == nil
	}, nil)
}

// carrying lists the processes that have an entry in their environment.
func carrying(entry string) (all []string) {
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, e := range entries {
		if env, err := os.ReadFile(e); err == nil && strings.Contains("\x00"+string(env), "\x00"+entry+"\x00") {
			all = append(all, e)
		}
	}
	return all
}
