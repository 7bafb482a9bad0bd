package script

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// What `make run` runs shows a function at work and a message in the
// dead-letter queue, stays up, and ends well when it is interrupted. It can be
// run again over what it left.
func TestDemo(t *testing.T) {
	rememberSources(t)
	t.Parallel()
	data := t.TempDir()
	for _, when := range []string{"the first time", "again"} {
		cmd := exec.Command(filepath.Join(binaries, "demo"), "--listen", "127.0.0.1:0", "--data", data)
		cmd.Dir = root
		demo, err := startProcess(cmd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			demo.cmd.Process.Signal(syscall.SIGTERM) // stops its runtime too
			<-demo.gone
		})
		for _, want := range []string{
			`orders.*order order-1: 1 × millstone`,
			`orders.*order order-4: 4 × millstone`,
			`==> In orders-dead: .*"order-5"`,
			`==> The runtime stays up`,
			`\ncurl .*\n`,
		} {
			if _, err := demo.out.Await(regexp.MustCompile(want)); err != nil {
				t.Fatalf("%s, %q: %v\n%s%s", when, want, err, demo.out, demo.err)
			}
		}
		copyLastLine(t, demo)
		demo.cmd.Process.Signal(syscall.SIGINT)
		<-demo.gone
		if code := demo.cmd.ProcessState.ExitCode(); code != 0 || demo.err.String() != "" {
			t.Errorf("%s, it ended with code %d and said\n%s", when, code, demo.err)
		}
	}
}

// copyLastLine types the last line that the demo printed into a shell, which has
// the function print once more.
func copyLastLine(t *testing.T, demo *process) {
	tools(t, "curl", "--aws-sigv4", "aws:amz:us-east-1:sqs", "--user", "test:test", "--version")
	lines := strings.Split(strings.TrimSpace(demo.out.String()), "\n")
	line := lines[len(lines)-1]
	if said, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil || !strings.Contains(string(said), "MessageId") {
		t.Errorf("%s\n%v\n%s", line, err, said)
	}
	if _, err := demo.out.Await(regexp.MustCompile(`order order-6: 1 × sluice`)); err != nil {
		t.Errorf("%s\nthe function does not say: %v\n%s", line, err, demo.out)
	}
}
