package mq

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"millrace/test/needs"
	"millrace/test/patience"
)

// A service manager that signals the runtime alone, as deploy/systemd has it, ends
// functions with a kill, and leaves brokers to be adopted; a stop ends both.
func TestOnlyTheRuntimeIsSignaled(t *testing.T) {
	needs.Long(t)
	installed(t)
	t.Parallel()
	s := start(t, "--mq-driver", "process")
	b := s.create("steady", "3.13")
	s.function("steady-function")
	functions := func() []string { return carrying("AWS_LAMBDA_FUNCTION_NAME=steady-function") }
	if len(functions()) == 0 {
		t.Fatal("no process of the function is found")
	}
	b.await(types.BrokerStateRunning)
	pid, processes := b.pid(), len(b.processes())
	connection, err := b.dial(b.owner, b.password)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()

	s.down(syscall.SIGKILL)
	patience.Until(t, "the end of the function", func() bool { return len(functions()) == 0 }, nil)
	if connection.IsClosed() {
		t.Error("a client of the broker was cut off with the runtime")
	}
	if said := b.command("doctor"); !strings.Contains(said, b.id+"-1, running: process") || !strings.Contains(said, "runtime stop --purge --data "+s.data) {
		t.Errorf("the doctor does not say what is left, and what to do:\n%s", said)
	}
	if got := len(b.processes()); got != processes {
		t.Errorf("of the broker run %d processes, want %d", got, processes)
	}
	s.up()
	b.await(types.BrokerStateRunning)
	if b.pid() != pid {
		t.Error("the broker was not adopted")
	}
	if channel, err := connection.Channel(); err != nil {
		t.Errorf("a client of the broker after the adoption: %v", err)
	} else {
		channel.Close()
	}

	s.down(syscall.SIGTERM)
	if left := b.processes(); len(left) > 0 {
		t.Errorf("the runtime was stopped, and of its broker run %v", left)
	}
}

// function makes a function and invokes it once, so that a process of it waits for more.
func (s *server) function(name string) {
	s.Helper()
	s.deploy(name)
	patience.Until(s, "an invocation", func() bool { // the function becomes active
		out, err := s.lambda().Invoke(s.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte("{}")})
		if err == nil && out.FunctionError != nil {
			s.Fatalf("%s: %s", *out.FunctionError, out.Payload)
		}
		return err == nil
	}, nil)
}

// carrying lists the processes that have an entry in their environment.
func carrying(entry string) (all []string) {
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, e := range entries {
		if env, err := os.ReadFile(e); err == nil && strings.Contains("\x00"+string(env), "\x00"+entry+"\x00") {
			all = append(all, e)
		}
	}
	return all
}
