//go:build unix

// Package limits takes the real binary to the limits of the machine: a disk that
// is full, little memory, few descriptors, a clock that jumps, a folder that is
// taken away. It must refuse clearly, lose nothing, and heal by itself.
//
//	make test-long
//
// The tests need root, for a disk, a cgroup and a clock of their own. They are
// skipped in a plain go test; with MILLRACE_NO_SKIP what is missing fails them.
package limits

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	_ "millrace/cmd/runtime/app" // the tests build it: go test must not answer from its cache when it changes
	"millrace/test/needs"
	"millrace/test/patience"
	"millrace/test/wholebody"
)

// binary is the runtime that the tests run.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if !needs.LongRuns() {
		return m.Run() // all of them skip
	}
	dir, err := os.MkdirTemp("", "millrace-limits-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "runtime")
	if out, err := exec.Command("go", "build", "-o", binary, "millrace/cmd/runtime").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the runtime: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// long is the first line of every test here.
func long(t *testing.T) {
	t.Helper()
	needs.Long(t)
}

// need skips a test on a machine that lacks something, and says how to get it.
func need(t *testing.T, err error, how string) {
	t.Helper()
	needs.That(t, err, how)
}

// A server is a runtime in a process of its own.
type server struct {
	t        *testing.T
	endpoint string
	process  *exec.Cmd
	printed  sync.WaitGroup
	log      lockedBuffer // standard error
}

// start runs a runtime over a data folder, through a shell command when prefix is
// not empty ("ulimit -n 1024;"), and returns when it is ready.
func start(t *testing.T, prefix, data string, flags ...string) *server {
	t.Helper()
	s, err := tryStart(t, prefix, data, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// tryStart is start for a runtime that may refuse.
func tryStart(t *testing.T, prefix, data string, flags ...string) (*server, error) {
	t.Helper()
	args := append([]string{"-c", prefix + ` exec "$@"`, "sh", binary, "start", "--listen", "127.0.0.1:0", "--data", data}, flags...)
	s := &server{t: t, process: exec.Command("/bin/sh", args...)}
	s.process.Stderr = &s.log
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 0, 256)
	for one := make([]byte, 1); !bytes.HasSuffix(first, []byte("\n")); {
		if _, err := out.Read(one); err != nil {
			s.process.Wait()
			return nil, fmt.Errorf("the runtime did not start: %v\n%s%s", s.process.ProcessState, first, s.log.String())
		}
		first = append(first, one[0])
	}
	_, rest, _ := strings.Cut(string(first), " at ")
	s.endpoint, _, _ = strings.Cut(rest, ",")
	s.printed.Go(func() { io.Copy(io.Discard, out) })
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the runtime's log:\n%s", s.log.String())
		}
	})
	return s, nil
}

// kill ends the runtime with SIGKILL; once is enough.
func (s *server) kill() {
	s.process.Process.Signal(syscall.SIGKILL)
	s.printed.Wait()
	s.process.Wait()
}

// client says each thing once: a retry would hide a refusal.
func (s *server) client() *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.endpoint), Retryer: aws.NopRetryer{}, HTTPClient: wholebody.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// health asks for the health of the runtime: the status, and its message.
func (s *server) health() (int, string) {
	s.t.Helper()
	answer, err := http.Get(s.endpoint + "/_runtime/health")
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var said struct{ Status, Message string }
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, said.Message
}

// eventually tries again until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	patience.Until(t, what, ok, nil)
}

// disk mounts a tmpfs of so many bytes.
func disk(t *testing.T, size int64) string {
	t.Helper()
	dir := t.TempDir()
	need(t, syscall.Mount("millrace", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)), "mounting a tmpfs needs root")
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A lockedBuffer can be read while it is written to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
