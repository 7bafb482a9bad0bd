package script

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"millrace/test/needs"
	"millrace/test/output"
	"millrace/test/patience"
)

// operations are all that SQS has.
var operations = []string{
	"AddPermission", "CancelMessageMoveTask", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "CreateQueue",
	"DeleteMessage", "DeleteMessageBatch", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues",
	"ListMessageMoveTasks", "ListQueueTags", "ListQueues", "PurgeQueue", "ReceiveMessage", "RemovePermission", "SendMessage",
	"SendMessageBatch", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue", "UntagQueue",
}

// The page from which people learn to use SQS on their own machine, typed into a
// shell as it stands: testdata/sqs.console has its commands, and in the same form
// those of the operations that it only names. Where its printed answers are not
// AWS's, the console says so. Played with every AWS CLI on this machine.
func TestConsole(t *testing.T) {
	needs.Long(t)
	rememberSources(t)
	text, err := os.ReadFile(filepath.Join("testdata", "sqs.console"))
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		kebab := strings.ToLower(regexp.MustCompile(`\B[A-Z]`).ReplaceAllString(op, "-$0"))
		if !strings.Contains(string(text)+prelude, " sqs "+kebab+" ") {
			t.Errorf("the console has no %s", kebab)
		}
	}
	for _, aws := range tools(t, "aws", "--version") {
		t.Run(strings.TrimPrefix(aws, "/"), func(t *testing.T) {
			t.Parallel()
			page := string(text)
			if exec.Command(aws, "sqs", "start-message-move-task", "--generate-cli-skeleton").Run() != nil {
				t.Log("this CLI is older than message move tasks (June 2023): it plays all but that section")
				before, rest, _ := strings.Cut(page, "\n# Message move tasks\n")
				_, after, _ := strings.Cut(rest, "\n# ")
				page = before + "\n# " + after
			}
			readConsole(page).play(t, aws)
		})
	}
}

// TestBoto3 does the same 23 operations from Python: testdata/sqs.py checks the
// answers, and says which operations it sent.
func TestBoto3(t *testing.T) {
	needs.Long(t)
	rememberSources(t)
	for _, python := range tools(t, "python3", "-c", "import boto3") {
		t.Run(strings.TrimPrefix(python, "/"), func(t *testing.T) {
			t.Parallel()
			if exec.Command(python, "-c", "import boto3; boto3.client('sqs', 'us-east-1').start_message_move_task").Run() != nil {
				t.Skip("this boto3 is older than message move tasks (June 2023)")
			}
			cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "sqs.py"))
			cmd.Env = clientEnv(background(t))
			said, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if got := strings.Fields(string(said)); !slices.Equal(got, operations) {
				t.Errorf("sent %q, want all operations", got)
			}
		})
	}
}

// tools are the executables of a name on the path that pass a trial.
func tools(t *testing.T, name string, trial ...string) []string {
	found := onPath(name, trial...)
	if len(found) == 0 {
		needs.That(t, fmt.Errorf("no %s on the path can `%s`", name, strings.Join(trial, " ")), "apt-get install awscli python3-boto3")
	}
	return found
}

// background runs a runtime with some flags beside the test, and returns its endpoint.
func background(t *testing.T, flags ...string) (endpoint string) {
	t.Helper()
	flags = append([]string{"start", "--listen", "127.0.0.1:0", "--sns-cert-listen", "127.0.0.1:0"}, flags...)
	cmd := exec.Command(filepath.Join(binaries, "runtime"), flags...)
	cmd.Dir = t.TempDir()
	server, err := startProcess(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.cmd.Process.Signal(syscall.SIGTERM)
		<-server.gone
		if code := server.cmd.ProcessState.ExitCode(); code != 0 || server.err.String() != "" {
			t.Errorf("the runtime ended with code %d and said\n%s", code, server.err)
		}
	})
	found, err := server.out.Await(ready)
	if err != nil {
		t.Fatalf("the runtime did not get ready: %v\n%s%s", err, server.out, server.err)
	}
	return found[1]
}

// clientEnv is the environment of an AWS client that knows nothing of this
// machine's accounts.
func clientEnv(endpoint string) []string {
	return append(os.Environ(), "ENDPOINT="+endpoint, "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true")
}

// A console is what somebody typed, and what they saw.
type console []exchange

type exchange struct{ command, answer string }

// readConsole reads a session: a command begins with "$ " and goes on with "> ",
// "# " begins a remark, and all else is the answer to the command above it. In an
// answer, … stands for anything in a line.
func readConsole(text string) (c console) {
	for line := range strings.Lines(text) {
		typed, isCommand := strings.CutPrefix(line, "$ ")
		more, goesOn := strings.CutPrefix(line, "> ")
		switch {
		case isCommand:
			c = append(c, exchange{command: typed})
		case goesOn:
			c[len(c)-1].command += more
		case len(c) > 0 && !strings.HasPrefix(line, "# "):
			c[len(c)-1].answer += line
		}
	}
	return c
}

// prelude is what the page's reader has at hand: awsemu, and short ways to what
// the page leaves to copy and paste.
const prelude = `
awsemu() { aws --endpoint-url "$ENDPOINT" "$@" > answer; local code=$?; cat answer; return $code; }
handle() { sed -n 's/.*"ReceiptHandle": "\(.*\)",*/\1/p' answer; }
moves() { aws --endpoint-url "$ENDPOINT" sqs list-message-move-tasks --source-arn $DLQ_ARN --query "Results[0].$1" --output text; }
await() { for _ in {1..200}; do [ "$(moves Status)" = "$1" ] && return; sleep 0.1; done; moves Status; }
OTHERS=$ENDPOINT/000000000000/small
`

// play types the session into one shell, beside a runtime with some flags, and compares
// what it prints.
func (c console) play(t *testing.T, aws string, flags ...string) {
	const next = "\x1e"
	var typed strings.Builder
	typed.WriteString(prelude)
	for _, e := range c {
		fmt.Fprintf(&typed, "%s\nprintf '%s'\n", e.command, next)
	}
	cmd := exec.Command("bash", "-c", typed.String())
	cmd.Dir = t.TempDir()
	cmd.Env = append(clientEnv(background(t, flags...)), "PATH="+firstInPath(t, aws))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end what it runs with it
	said := output.New()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	answered := func() any {
		return fmt.Sprintf("%d of %d commands answered", strings.Count(said.String(), next), len(c))
	}
	failed, err := patience.Await("the shell", ended, answered)
	if err != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		t.Error(err)
	}
	if failed != nil {
		t.Errorf("the shell: %v", failed)
	}
	answers := strings.Split(said.String(), next)
	for i, e := range c {
		if i >= len(answers) {
			t.Fatalf("%s\nwas not answered any more", e.command)
		}
		got, want := strings.TrimSpace(answers[i]), strings.TrimSpace(e.answer)
		if !regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$").MatchString(got) {
			t.Errorf("%s\n got %s\nwant %s", e.command, got, want)
		}
	}
}

// firstInPath returns a path on which an executable comes before all others of its name.
func firstInPath(t *testing.T, executable string) string {
	dir := t.TempDir()
	if err := os.Symlink(executable, filepath.Join(dir, filepath.Base(executable))); err != nil {
		t.Fatal(err)
	}
	return dir + string(filepath.ListSeparator) + os.Getenv("PATH")
}
