package script

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"sync"

	"millrace/test/patience"
)

// ready is what the runtime prints once it serves.
var ready = regexp.MustCompile(`Millrace is ready at (http://[^,]+),`)

// A process runs beside the test, which reads what it says while it runs.
type process struct {
	cmd      *exec.Cmd
	out, err *text
	gone     chan struct{} // closed when it has ended and said everything
}

func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, out: newText(), err: newText(), gone: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.err
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		cmd.Wait()
		p.out.close()
		p.err.close()
		close(p.gone)
	}()
	return p, nil
}

// A text grows as a process prints it.
type text struct {
	mu    sync.Mutex
	said  bytes.Buffer
	ended bool
	more  chan struct{} // closed and replaced whenever the text grows or ends
}

func newText() *text { return &text{more: make(chan struct{})} }

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said.Write(p)
	t.wakeLocked()
	return len(p), nil
}

func (t *text) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.wakeLocked()
}

func (t *text) wakeLocked() {
	close(t.more)
	t.more = make(chan struct{})
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said.String()
}

// lines says how much has been printed.
func (t *text) lines() string { return fmt.Sprintf("%d lines", strings.Count(t.String(), "\n")) }

// await returns the first match of re in the text, waiting for it.
func (t *text) await(re *regexp.Regexp) ([]string, error) {
	limit := patience.New(fmt.Sprintf("%q to be printed", re), func() any { return t.lines() })
	for {
		t.mu.Lock()
		found, ended, more := re.FindStringSubmatch(t.said.String()), t.ended, t.more
		t.mu.Unlock()
		switch {
		case found != nil:
			return found, nil
		case ended:
			return nil, errors.New("it ended without a word of it")
		}
		select {
		case <-more:
		case <-limit.Turn():
			if err := limit.Struck(); err != nil {
				return nil, err
			}
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
