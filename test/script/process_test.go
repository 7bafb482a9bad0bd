package script

import (
	"net"
	"os/exec"
	"regexp"

	"millrace/test/output"
)

// ready is what the runtime prints once it serves.
var ready = regexp.MustCompile(`Millrace is ready at (http://[^,]+),`)

// A process runs beside the test, which reads what it says while it runs.
type process struct {
	cmd      *exec.Cmd
	out, err *output.Text
	gone     chan struct{} // closed when it has ended and said everything
}

func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, out: output.New(), err: output.New(), gone: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.err
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		cmd.Wait()
		p.out.End()
		p.err.End()
		close(p.gone)
	}()
	return p, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
