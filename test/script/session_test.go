package script

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/rogpeppe/go-internal/testscript"

	"millrace/runtime/sandbox/gobuild"
	"millrace/test/patience"
	"millrace/test/wholebody"
)

type sessionKey struct{}

// A session is what a script has going.
type session struct {
	server   *process
	endpoint string
	pending  chan answer // of the request that begin sent
	others   []*process
}

func of(ts *testscript.TestScript) *session { return ts.Value(sessionKey{}).(*session) }

// said is how much the runtime has printed, by which a wait sees it move.
func (s *session) said() any {
	if s.server == nil {
		return "no runtime"
	}
	return s.server.out.Lines() + " and of errors " + s.server.err.Lines()
}

// end kills what the script left running.
func (s *session) end() {
	for _, p := range append(s.others, s.server) {
		if p != nil {
			p.cmd.Process.Kill()
			<-p.gone
		}
	}
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || s.server != nil {
		ts.Fatalf("usage: serve [arg...], once at a time")
	}
	args = append([]string{"start", "--listen", "127.0.0.1:0"}, args...)
	s.server = run(ts, filepath.Join(binaries, "runtime"), args...)
	found, err := s.server.out.Await(ready)
	if err != nil {
		ts.Fatalf("the runtime did not get ready: %v\n%s%s", err, s.server.out, s.server.err)
	}
	s.endpoint = found[1]
	ts.Setenv("ENDPOINT", s.endpoint)
	ts.Setenv("ADDRESS", strings.TrimPrefix(s.endpoint, "http://"))
	ts.Setenv("PID", strconv.Itoa(s.server.cmd.Process.Pid))
}

func printed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: printed pattern")
	}
	if _, err := of(ts).server.out.Await(regexp.MustCompile(args[0])); err != nil {
		ts.Fatalf("%q: %v\n%s", args[0], err, of(ts).server.out)
	}
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}
	if neg || len(args) != 1 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal TERM|INT|HUP|KILL")
	}
	ts.Check(of(ts).server.cmd.Process.Signal(signals[args[0]]))
}

func ended(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ended code")
	}
	s := of(ts)
	if _, err := patience.Await("the runtime to end", s.server.gone, s.said); err != nil {
		ts.Fatalf("%v\n%s%s", err, s.server.out, s.server.err)
	}
	io.WriteString(ts.Stdout(), s.server.out.String())
	io.WriteString(ts.Stderr(), s.server.err.String())
	if code := strconv.Itoa(s.server.cmd.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("the runtime ended with code %s, want %s\n%s%s", code, args[0], s.server.out, s.server.err)
	}
	s.server = nil
}

func deploy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: deploy name function [variable=value...]")
	}
	code, err := packed(args[1])
	ts.Check(err)
	variables := map[string]string{}
	for _, a := range args[2:] {
		name, value, _ := strings.Cut(a, "=")
		variables[name] = value
	}
	client := lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &of(ts).endpoint, HTTPClient: wholebody.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	_, err = client.CreateFunction(context.Background(), &lambda.CreateFunctionInput{
		FunctionName: &args[0], Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Role: aws.String("arn:aws:iam::000000000000:role/r"), Code: &types.FunctionCode{ZipFile: code},
		Environment: &types.Environment{Variables: variables}, Timeout: aws.Int32(20),
	})
	ts.Check(err)
}

// packed builds a folder of functions/ into what is deployed.
func packed(name string) ([]byte, error) {
	dir, err := os.MkdirTemp(binaries, "")
	if err != nil {
		return nil, err
	}
	bootstrap := filepath.Join(dir, "bootstrap")
	if err := gobuild.Build(context.Background(), filepath.Join(root, "functions", name), bootstrap); err != nil {
		return nil, err
	}
	return gobuild.Zip(bootstrap)
}

// nats runs the server that the module is built with, as a process of its own.
func nats(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: nats")
	}
	ts.Check(goBuild("github.com/nats-io/nats-server/v2"))
	address, err := freeAddress()
	ts.Check(err)
	host, port, err := net.SplitHostPort(address)
	ts.Check(err)
	p := run(ts, filepath.Join(binaries, "nats-server"), "--addr", host, "--port", port, "--jetstream", "--store_dir", ts.MkAbs("nats"))
	of(ts).others = append(of(ts).others, p)
	if _, err := p.err.Await(regexp.MustCompile("Server is ready")); err != nil {
		ts.Fatalf("the NATS server did not get ready: %v\n%s", err, p.err)
	}
	ts.Setenv("NATS", "nats://"+address)
}

// run starts a command in the script's folder and surroundings.
func run(ts *testscript.TestScript, name string, args ...string) *process {
	cmd := exec.Command(name, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GOCACHE", "GOMODCACHE", "GOPATH", "MILLRACE_SYNC", "MILLRACE_DATA", "MILLRACE_ROOT_KEY", "MILLRACE_ALLOW_RESET"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	p, err := startProcess(cmd)
	ts.Check(err)
	return p
}
