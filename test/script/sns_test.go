package script

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"millrace/services/sns"
	"millrace/test/needs"
)

// snsOperations are all that SNS has.
func snsOperations() (names []string) {
	for _, op := range (*sns.Service)(nil).Model().Operations {
		names = append(names, op.Name)
	}
	slices.Sort(names)
	return names
}

// Clients in three languages do every operation of SNS against a runtime: programs in
// testdata check the answers, and say which operations they sent.

func TestSNSBoto3(t *testing.T) {
	needs.Long(t)
	rememberSources(t)
	for _, python := range tools(t, "python3", "-c", "import boto3") {
		t.Run(strings.TrimPrefix(python, "/"), func(t *testing.T) {
			t.Parallel()
			if exec.Command(python, "-c", "import boto3; boto3.client('sns', 'us-east-1').put_data_protection_policy").Run() != nil {
				t.Skip("this boto3 is older than data protection policies (November 2022)")
			}
			playSNS(t, exec.CommandContext(t.Context(), python, filepath.Join("testdata", "sns.py")))
		})
	}
}

func TestSNSCommandLine(t *testing.T) {
	needs.Long(t)
	rememberSources(t)
	script, err := filepath.Abs(filepath.Join("testdata", "sns.sh"))
	if err != nil {
		t.Fatal(err)
	}
	aws := tools(t, "aws", "--version")[0] // one of them: sixty commands take it a while
	cmd := exec.CommandContext(t.Context(), "bash", script)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + firstInPath(t, aws)}
	playSNS(t, cmd)
}

func TestSNSJavaScript(t *testing.T) {
	needs.Long(t)
	rememberSources(t)
	dir := npmInstalled(t, "sns")
	cmd := exec.CommandContext(t.Context(), "node", "sns.mjs")
	cmd.Dir = dir
	playSNS(t, cmd)
}

// playSNS runs a program against a runtime of its own. It prints the operations that it
// sent: by their names, or as the command line has them.
func playSNS(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	said := playClient(t, cmd)
	want := snsOperations()
	if !strings.Contains(said, want[0]) {
		for i, name := range want {
			want[i] = commandOf(name)
		}
	}
	slices.Sort(want)
	if got := strings.Fields(said); !slices.Equal(got, want) {
		t.Errorf("sent\n%q\nwant all operations:\n%q", got, want)
	}
}

// commandOf is the command of an operation: list-sms-sandbox-phone-numbers for
// ListSMSSandboxPhoneNumbers.
func commandOf(operation string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])|([A-Z])([A-Z][a-z])`).ReplaceAllString(operation, "$1$3-$2$4"))
}
