package script

import (
	"os/exec"
	"path/filepath"
	"regexp"
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
		} {
			if _, err := demo.out.await(regexp.MustCompile(want)); err != nil {
				t.Fatalf("%s, %q: %v\n%s%s", when, want, err, demo.out, demo.err)
			}
		}
		demo.cmd.Process.Signal(syscall.SIGINT)
		<-demo.gone
		if code := demo.cmd.ProcessState.ExitCode(); code != 0 || demo.err.String() != "" {
			t.Errorf("%s, it ended with code %d and said\n%s", when, code, demo.err)
		}
	}
}
