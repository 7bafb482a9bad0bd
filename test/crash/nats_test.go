package crash

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"millrace/test/needs"
	"millrace/test/patience"
)

// TestNATSKilled has two runtimes share queues on one NATS server, which is killed
// with SIGKILL again and again while clients send, and comes back each time; once a
// runtime is killed as well, while it starts. All that was acknowledged is received,
// and each FIFO group in order.
func TestNATSKilled(t *testing.T) {
	needs.Long(t)
	tellSeed(t)
	nats := newNATS(t)
	nodes, flows := shared(t, func(int) string { return nats.url })
	d := dice(t, "kill")
	for round := range (*rounds + 3) / 4 {
		time.Sleep(time.Duration(d.Int64N(int64(300 * time.Millisecond))))
		nats.kill()
		if round == 1 {
			nodes[0].kill()
		}
		nats.start()
		if nodes[0].process == nil {
			nodes[0].killStarting(d)
			nodes[0].start()
		}
		goesOn(t, flows)
	}
	settle(t, flows)
}

// A natsServer is the server that the module is built with, as a process of its own.
type natsServer struct {
	t       *testing.T
	binary  string
	dir     string
	address string
	url     string
	process *exec.Cmd
}

func newNATS(t *testing.T) *natsServer {
	t.Helper()
	n := &natsServer{t: t, binary: filepath.Join(binaries, "nats-server"), dir: dataFolder(t), address: freeAddress(t)}
	n.url = "nats://" + n.address
	if said, err := exec.Command("go", "build", "-o", n.binary, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		t.Fatalf("building the NATS server: %v\n%s", err, said)
	}
	n.start()
	t.Cleanup(n.kill)
	return n
}

// start returns when the server has said that it is ready.
func (n *natsServer) start() {
	n.t.Helper()
	host, port, _ := net.SplitHostPort(n.address)
	n.process = exec.Command(n.binary, "--addr", host, "--port", port, "--jetstream", "--store_dir", n.dir)
	said, err := n.process.StderrPipe()
	if err == nil {
		err = n.process.Start()
	}
	if err != nil {
		n.t.Fatal(err)
	}
	ready := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			if regexp.MustCompile("Server is ready").MatchString(lines.Text()) {
				ready <- nil
				io.Copy(io.Discard, said)
				return
			}
		}
		ready <- fmt.Errorf("it ended: %v", lines.Err())
	}()
	if err := patience.For(n.t, "the NATS server", ready, nil); err != nil {
		n.t.Fatal(err)
	}
}

func (n *natsServer) kill() {
	n.process.Process.Kill()
	n.process.Wait()
}
