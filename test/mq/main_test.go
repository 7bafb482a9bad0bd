// Package mq uses Amazon MQ as its users do: the real binary, real brokers, the AWS CLI,
// pika and amqp091-go. What it needs stands in test/brokers.
package mq

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	awsmq "github.com/aws/aws-sdk-go-v2/service/mq"

	"millrace/test/needs"
	"millrace/test/output"
)

var binary string // of the runtime

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if !needs.LongRuns() {
		return m.Run() // all of them skip
	}
	dir, err := os.MkdirTemp("", "millrace-mq-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "runtime")
	if said, err := exec.Command("go", "build", "-o", binary, "../../cmd/runtime").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the runtime: %v\n%s", err, said)
		return 1
	}
	defer occupy()()
	return m.Run()
}

// occupy listens where brokers would if they could, so that each is given ports of its
// own: of several runtimes side by side, one may else take the port of another one's
// broker while that is away.
func occupy() (leave func()) {
	var all []net.Listener
	for _, port := range []string{"5671", "5672", "8883", "15671", "61614"} {
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil { // else somebody's already
			all = append(all, l)
		}
	}
	return func() {
		for _, l := range all {
			l.Close()
		}
	}
}

// drivers runs a test with each driver of brokers at once, as far as they are here.
func drivers(t *testing.T, f func(t *testing.T, driver string)) {
	needs.Long(t)
	t.Parallel() // boots and ends are mostly waiting
	t.Run("process", func(t *testing.T) {
		installed(t)
		t.Parallel()
		f(t, "process")
	})
	t.Run("docker", func(t *testing.T) {
		engine(t)
		t.Parallel()
		f(t, "docker")
	})
}

// installed skips a test where the driver process finds no RabbitMQ.
func installed(t *testing.T) {
	t.Helper()
	_, err := os.Stat("/usr/lib/rabbitmq/bin/rabbitmq-server")
	needs.That(t, err, "apt-get install rabbitmq-server")
}

// engine skips a test where the driver docker finds no engine.
func engine(t *testing.T) {
	t.Helper()
	var err error
	if os.Getenv("DOCKER_HOST") == "" {
		err = errors.New("DOCKER_HOST names no Docker engine")
	}
	needs.That(t, err, "test/brokers/engine and test/brokers/images")
}

// python returns a Python that has a module.
func python(t *testing.T, module string) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import "+module).Run() == nil {
			return name
		}
	}
	needs.That(t, fmt.Errorf("no python3 has %s", module), "apt-get install python3-"+module)
	return ""
}

// A server is a runtime beside the test, on a free port and in a folder of its own.
type server struct {
	*testing.T
	data, endpoint string
	args           []string
	client         *awsmq.Client
	cmd            *exec.Cmd
	said           *output.Text // by this start of it
	past           string       // by those before
	over           chan struct{}
}

var ready = regexp.MustCompile(`Millrace is ready at (http://[^,]+),`)

// start starts a runtime, and purges it when the test is over.
func start(t *testing.T, args ...string) *server {
	s := &server{T: t, data: filepath.Join(t.TempDir(), "data"), args: args}
	s.up()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the runtime said\n%s", s.said)
		}
		s.down(syscall.SIGTERM)
		if out, err := exec.Command(binary, "stop", "--purge", "--data", s.data).CombinedOutput(); err != nil {
			t.Errorf("purge: %v\n%s", err, out)
		}
		if left := marked(filepath.Join(s.data, "brokers")); len(left) > 0 {
			t.Errorf("after the purge run %v", left)
		}
		if left, _ := os.ReadDir(s.data); len(left) > 0 {
			t.Errorf("after the purge there are %v", left)
		}
	})
	return s
}

func (s *server) up() {
	s.Helper()
	listen := "127.0.0.1:0"
	if s.endpoint != "" {
		listen = strings.TrimPrefix(s.endpoint, "http://")
	}
	s.cmd = exec.Command(binary, append([]string{"start", "--data", s.data, "--listen", listen, "--log-level", "info"}, s.args...)...)
	if s.said != nil {
		s.past += s.said.String()
	}
	s.said, s.over = output.New(), make(chan struct{})
	s.cmd.Stdout, s.cmd.Stderr = s.said, s.said
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		s.cmd.Wait()
		s.said.End()
		close(s.over)
	}()
	s.endpoint = s.await(ready)[1]
	s.connect()
}

// inDocker reports whether the runtime was told to launch brokers in Docker.
func (s *server) inDocker() bool { return slices.Contains(s.args, "docker") }

// down ends the runtime by a signal.
func (s *server) down(signal os.Signal) {
	s.cmd.Process.Signal(signal)
	<-s.over
}

// await returns the first match in what the runtime says, waiting for it.
func (s *server) await(re *regexp.Regexp) []string {
	s.Helper()
	found, err := s.said.Await(re)
	if err != nil {
		s.Fatalf("%v\n%s", err, s.said)
	}
	return found
}

// bash runs a script of testdata and returns what it prints.
func (s *server) bash(script string, env ...string) string {
	s.Helper()
	return s.interpret(script, env, "bash", "-e", "-o", "pipefail", "-s")
}

// python does the same with one of Python's.
func (s *server) python(script string, env ...string) string {
	s.Helper()
	return s.interpret(script, env, python(s.T, "pika"), "-")
}

func (s *server) interpret(script string, env []string, interpreter string, args ...string) string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", script))
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.CommandContext(s.Context(), interpreter, args...)
	cmd.Dir = s.TempDir()
	cmd.Stdin = bytes.NewReader(text)
	cmd.Env = append(s.environ(), "ENDPOINT="+s.endpoint)
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		s.Fatalf("%s: %v\n%s%s", script, err, &stdout, &stderr)
	}
	return stdout.String()
}

// environ is the environment of clients on this machine.
func (s *server) environ() []string {
	return append(slices.Clip(os.Environ()), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
}
