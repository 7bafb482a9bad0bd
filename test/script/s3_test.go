package script

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"millrace/test/needs"
	"millrace/test/patience"
)

// The tools that people move files with move them to a runtime and back: scripts and
// programs in testdata, which compare what comes back with what they sent.

func TestS3CommandLine(t *testing.T) {
	aws := s3Tool(t, "aws", "awscli", "--version")
	playS3(t, []string{"PATH=" + firstInPath(t, aws)}, "bash", "-eu", "s3.sh")
}

func TestS3Rclone(t *testing.T) {
	s3Tool(t, "rclone", "rclone", "version")
	playS3(t, nil, "bash", "-eu", "rclone.sh")
}

func TestS3Cmd(t *testing.T) {
	s3Tool(t, "s3cmd", "s3cmd", "--version")
	playS3(t, nil, "bash", "-eu", "s3cmd.sh")
}

func TestS3Boto3(t *testing.T) {
	s3Tool(t, "python3", "python3-boto3", "-c", "import boto3")
	for _, python := range onPath("python3", "-c", "import boto3") {
		t.Run(strings.TrimPrefix(python, "/"), func(t *testing.T) { playS3(t, nil, python, "s3.py") })
	}
}

func TestS3JavaScript(t *testing.T) {
	needs.Long(t)
	rememberSources(t)
	t.Parallel()
	dir := npmInstalled(t, "s3")
	cmd := exec.CommandContext(t.Context(), "node", "s3.mjs")
	cmd.Dir = dir
	playClient(t, cmd)
}

// The same page as in TestConsole, where it comes to S3. The queue there has no policy.
func TestS3Console(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "s3.console"))
	if err != nil {
		t.Fatal(err)
	}
	readConsole(string(text)).play(t, s3Tool(t, "aws", "awscli", "--version"), "--log-level", "error") // it warns of what AWS refuses
}

// An upload comes to a handler through a topic and a queue that the AWS CLI has set up.
func TestS3FanOut(t *testing.T) {
	aws := s3Tool(t, "aws", "awscli", "--version")
	code, err := packed("ledger")
	if err != nil {
		t.Fatal(err)
	}
	zip := filepath.Join(t.TempDir(), "ledger.zip")
	if err := os.WriteFile(zip, code, 0o600); err != nil {
		t.Fatal(err)
	}
	reports := make(chan string, 10)
	ledger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reports <- string(body)
	}))
	defer ledger.Close()
	playS3(t, []string{"PATH=" + firstInPath(t, aws), "CODE=" + zip, "LEDGER_URL=" + ledger.URL}, "bash", "-eu", "fanout.sh")
	var got []events.S3EventRecord
	for len(got) == 0 {
		got = uploads(t, patience.For(t, "the handler's report", reports, nil))
	}
	if e := got[0]; len(got) != 1 || e.EventName != "ObjectCreated:Put" || e.S3.Bucket.Name != "uploads" || e.S3.Object.Key != "in/hello+world.txt" || e.S3.Object.Size != 6 {
		t.Errorf("the handler got %+v", got)
	}
}

// uploads unpacks notifications of S3 from the envelopes of SNS, from a batch of SQS. The
// s3:TestEvent, which comes before them, is none.
func uploads(t *testing.T, batch string) (all []events.S3EventRecord) {
	var b events.SQSEvent
	err := json.Unmarshal([]byte(batch), &b)
	for _, m := range b.Records {
		var envelope events.SNSEntity
		var notified events.S3Event
		err = errors.Join(err, json.Unmarshal([]byte(m.Body), &envelope), json.Unmarshal([]byte(envelope.Message), &notified))
		all = append(all, notified.Records...)
	}
	if err != nil {
		t.Fatalf("%v in %s", err, batch)
	}
	return all
}

// playS3 runs a program of testdata, its interpreter and arguments before its name, in a
// folder of its own against a runtime of its own.
func playS3(t *testing.T, env []string, program ...string) {
	t.Helper()
	t.Parallel()
	last := len(program) - 1
	path, err := filepath.Abs(filepath.Join("testdata", program[last]))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program[0], append(program[1:last], path)...)
	cmd.Dir, cmd.Env = t.TempDir(), env
	playClient(t, cmd)
}

// s3Tool is the first executable of a name on the path that passes a trial; pkg is the
// Debian package that has it.
func s3Tool(t *testing.T, name, pkg string, trial ...string) string {
	t.Helper()
	needs.Long(t)
	rememberSources(t)
	found := onPath(name, trial...)
	if len(found) == 0 {
		needs.That(t, errors.New("no "+name+" on the path can "+strings.Join(trial, " ")), "apt-get install "+pkg)
	}
	return found[0]
}
