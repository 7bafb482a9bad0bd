//go:build unix

package limits

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"millrace/runtime/sandbox/gobuild"
	"millrace/test/wholebody"
)

// functions says each thing once.
func (s *server) functions() *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.endpoint), Retryer: aws.NopRetryer{}, HTTPClient: wholebody.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// deploy makes the function misbehave.
func (s *server) deploy() {
	s.t.Helper()
	bootstrap := filepath.Join(s.t.TempDir(), "bootstrap")
	err := gobuild.Build(s.t.Context(), "../../functions/misbehave", bootstrap)
	if err != nil {
		s.t.Fatal(err)
	}
	code, err := gobuild.Zip(bootstrap)
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = s.functions().CreateFunction(s.t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("misbehave"), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Role: aws.String("arn:aws:iam::000000000000:role/any"), Timeout: aws.Int32(60), Code: &types.FunctionCode{ZipFile: code},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// leave has the function leave a daemon behind, and returns its id.
func (s *server) leave() (pid int) {
	s.t.Helper()
	out, err := s.functions().Invoke(s.t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("misbehave"), Payload: []byte(`{"do":"daemonise"}`),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var pids []int
	if err := json.Unmarshal(out.Payload, &pids); err != nil || len(pids) != 1 {
		s.t.Fatalf("%s: %v", out.Payload, err)
	}
	return pids[0]
}

// A runtime that is killed takes its functions with it, and all that they have
// started; what they left would hold ports and files of the next one.
func TestNothingOutlivesAKilledRuntime(t *testing.T) {
	long(t)
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		need(t, err, "this is promised on Linux")
	}
	data := t.TempDir()
	s := start(t, "", data)
	s.deploy()
	for round := range 2 {
		daemon := s.leave()
		function := ancestry(t, s.process.Process.Pid)
		if len(function) < 2 { // the helper, and the function
			t.Fatalf("round %d: the runtime has the descendants %v", round, function)
		}
		s.kill()
		eventually(t, "the end of all that the runtime has started", func() bool {
			for _, pid := range append(function, daemon) {
				if stateOf(pid) != "" && stateOf(pid) != "Z" {
					return false
				}
			}
			return true
		})
		s = start(t, "", data)
	}
	// An orderly end takes them with it, too.
	daemon := s.leave()
	s.process.Process.Signal(syscall.SIGTERM)
	s.process.Wait()
	if state := stateOf(daemon); state != "" && state != "Z" {
		t.Errorf("the daemon is there after an orderly end, in state %s", state)
	}
}

// ancestry returns the descendants of a process.
func ancestry(t *testing.T, pid int) (all []int) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		child, _ := strconv.Atoi(filepath.Base(name))
		if _, parent := stat(child); parent == pid {
			all = append(append(all, child), ancestry(t, child)...)
		}
	}
	return all
}

func stateOf(pid int) string {
	state, _ := stat(pid)
	return state
}

// stat reads a line such as "4711 (a name) S 1 …"; no state is no process.
func stat(pid int) (state string, parent int) {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 2 {
		return "", 0
	}
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}
