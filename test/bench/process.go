package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a server that was started here.
type process struct {
	cmd     *exec.Cmd
	address string        // host:port
	ready   time.Duration // from its start until it said that it is ready
}

// launch starts a command and waits until it prints a line that begins as given.
func launch(address, ready string, command string, args ...string) (*process, error) {
	cmd := exec.Command(command, args...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "MILLRACE_SNS_CERT_LISTEN=127.0.0.1:0") // several runtimes run at a time
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, address: address}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	p.ready = time.Since(began)
	go io.Copy(io.Discard, lines) // ends with the process
	if !strings.HasPrefix(line, ready) {
		p.stop()
		return nil, errors.Join(fmt.Errorf("%s did not get ready: %q", command, line), err)
	}
	return p, nil
}

func startRuntime(binary, dir string, flags ...string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return launch(address, "Millrace is ready", binary, append([]string{"start", "--listen", address, "--data", dir}, flags...)...)
}

// startEcho runs this binary again, as the echo server.
func startEcho(self string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return launch(address, "echo is ready", self, "-echo", address)
}

// serveEcho is what HTTP itself costs in Go: it reads a request and answers with
// as many bytes as SendMessage would.
func serveEcho(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	fmt.Println("echo is ready")
	err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Write(body[:min(len(body), 160)])
	}))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// stop ends the process and waits until it is gone. A nil process is gone.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGINT)
	p.cmd.Wait()
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// memory is how many bytes of the process stay in memory (Linux: VmRSS).
func (p *process) memory() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("no VmRSS in /proc")
	}
	kilobytes, err := strconv.Atoi(fields[0])
	return kilobytes << 10, err
}

// processor is how much processor time the process has used (Linux: utime and
// stime, in hundredths of a second).
func (p *process) processor() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The fields after the command's name, which may hold blanks, begin with the third.
	_, rest, found := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 13 {
		return 0, errors.New("/proc says nothing of processor time")
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}
