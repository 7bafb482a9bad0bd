package crash

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"millrace/test/wholebody"
)

// A server is the real binary over one data folder: started, killed and started
// again, always on the same address.
type server struct {
	t        *testing.T
	dir      string
	address  string // host:port
	certs    string // host:port of the certificate of topics' signatures; "" for the default
	sync     string
	nats     string    // external servers; "" for the embedded one
	process  *exec.Cmd // nil while it is down
	printed  chan struct{}
	says     *bytes.Buffer // what it printed since its start; read it when it is down
	starting time.Duration // the longest that it took to be ready, for the log
	starts   int           // those that a kill has ended
}

// newServer starts a server over an empty folder.
func newServer(t *testing.T, sync string) *server {
	t.Helper()
	s := &server{t: t, dir: dataFolder(t), address: freeAddress(t), certs: freeAddress(t), sync: sync}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func dataFolder(t *testing.T) string {
	if !*keep {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("", "millrace-crash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("data is kept in %s", dir)
	return dir
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// command is what starts the server.
func (s *server) command() *exec.Cmd {
	cmd := exec.Command(filepath.Join(binaries, "runtime"), "start", "--listen", s.address, "--data", s.dir, "--sync", s.sync)
	if s.certs != "" {
		cmd.Args = append(cmd.Args, "--sns-cert-listen", s.certs)
	}
	if s.nats != "" {
		cmd.Args = append(cmd.Args, "--nats", s.nats)
	}
	s.says = &bytes.Buffer{}
	cmd.Stderr = s.says
	return cmd
}

// killStarting starts the server and kills it at some instant before it is ready,
// or soon after.
func (s *server) killStarting(d *rand.Rand) {
	s.t.Helper()
	cmd := s.command()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(time.Duration(d.Int64N(int64(s.starting))))
	cmd.Process.Kill()
	cmd.Wait()
	if state := cmd.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() {
		s.t.Errorf("the server ended by itself while it started: %v\n%s", cmd.ProcessState, s.says)
	}
	s.starts++
}

// start returns when the server has said that it is ready.
func (s *server) start() {
	s.t.Helper()
	began := time.Now()
	cmd := s.command()
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if !strings.HasPrefix(first, "Millrace is ready at ") {
		cmd.Process.Kill()
		cmd.Wait()
		s.t.Fatalf("the server is not ready: %v\n%s%s", err, first, s.says)
	}
	s.process, s.printed = cmd, make(chan struct{})
	go func() {
		defer close(s.printed)
		io.Copy(io.Discard, lines)
	}()
	s.starting = max(s.starting, time.Since(began))
}

// kill ends the server at once, whatever it is doing, and returns when it is gone.
func (s *server) kill() {
	s.t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		s.t.Fatalf("the server was gone before it was killed: %v\n%s", err, s.says)
	}
	s.gone()
}

func (s *server) signal(what syscall.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(what); err != nil {
		s.t.Fatalf("the server was gone before it got %v: %v\n%s", what, err, s.says)
	}
}

func (s *server) gone() {
	<-s.printed
	s.process.Wait()
	s.process = nil
	if s.says.Len() > 0 {
		s.t.Logf("the server said: %s", s.says)
	}
}

// stop ends the server as an operator would: it must exit with 0.
func (s *server) stop() {
	if s.process == nil {
		return
	}
	s.process.Process.Signal(syscall.SIGTERM)
	ended := s.process
	s.gone()
	if !ended.ProcessState.Success() {
		s.t.Errorf("after SIGTERM the server ended with %v", ended.ProcessState)
	}
}

// config is for clients that say each thing once: a retry would hide whether the
// first try had happened.
func (s *server) config() aws.Config {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	s.t.Cleanup(transport.CloseIdleConnections)
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://" + s.address),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient:   &http.Client{Transport: wholebody.Transport(transport)},
	}
}

// patientConfig is for clients that ask again, as applications do: what another node was
// carrying out when it died ends with 503, since nobody knows how far it came.
func (s *server) patientConfig() aws.Config {
	config := s.config()
	config.Retryer = nil
	return config
}

// build makes the binaries that the tests run: the runtime, and a function's
// bootstrap.
func build(ctx context.Context, dir string) error {
	for name, pkg := range map[string]string{"runtime": "millrace/cmd/runtime", "bootstrap": "millrace/functions/ledger"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return errors.Join(fmt.Errorf("building %s: %w", pkg, err), errors.New(string(out)))
		}
	}
	return nil
}
