//go:build linux || darwin

package process

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/driver"
)

// The software of these tests is this test binary, under the names of RabbitMQ's
// programs, so that they run where none is installed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "fake-rabbitmq-server":
			os.Exit(fakeServer())
		case "fake-rabbitmqctl":
			os.Exit(fakeControl(os.Args[2], os.Args[3]))
		case "fake-runtime":
			os.Exit(fakeRuntime(os.Args[2], os.Args[3], os.Args[4], os.Args[5]))
		case "fake-epmd":
			os.Exit(fakeMapper(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}

// fakeServer serves at FAKE_AT once its configuration is good, and ends at SIGTERM
// unless FAKE_STUBBORN is set. With FAKE_DAEMON it leaves a process behind.
func fakeServer() int {
	conf, _ := os.ReadFile(os.Getenv("FAKE_CONF"))
	if string(conf) != "good" {
		fmt.Println("this configuration is bad")
		return 3
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	l, err := net.Listen("tcp", os.Getenv("FAKE_AT"))
	if err != nil {
		fmt.Println(err)
		return 4
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "hello")
			c.Close()
		}
	}()
	if os.Getenv("FAKE_DAEMON") != "" {
		c := exec.Command("/bin/sleep", "3600")
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := c.Start(); err != nil {
			return 5
		}
	}
	say := func(text string) {
		if c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET")); err == nil {
			io.WriteString(c, text)
			c.Close()
		}
	}
	fmt.Println("this serves")
	say("STATUS=up\nREADY=1")
	for range term {
		if os.Getenv("FAKE_STUBBORN") == "" {
			say("STOPPING=1")
			return 0
		}
	}
	return 0
}

// fakeMapper listens, and says nothing, until it is killed.
func fakeMapper(at string) int {
	l, err := net.Listen("tcp", at)
	if err != nil {
		fmt.Println(err)
		return 6
	}
	for {
		if c, err := l.Accept(); err == nil {
			c.Close()
		}
	}
}

func fakeControl(command, name string) int {
	if command == "reach" { // of the port mapper alone
		if _, err := net.Dial("tcp", name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	file := filepath.Join(os.Getenv("FAKE_DATA"), name)
	if command == "keep" {
		if os.WriteFile(file, nil, 0o600) != nil {
			return 1
		}
		return 0
	}
	if _, err := os.Stat(file); err == nil {
		fmt.Println("kept")
	}
	return 0
}

// fakeRuntime is a runtime that runs a member of a cluster of two until it is killed.
func fakeRuntime(data, programs, amqp, epmd string) int {
	d, err := New(Config{Data: data, Folders: []string{programs}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := d.Find(context.Background(), "rabbitmq", "3.13", nil)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	i, err := d.Start(context.Background(), memberOfTwo(amqp, epmd), s)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	<-i.Ready()
	fmt.Println("up")
	time.Sleep(time.Hour)
	return 0
}

func memberOfTwo(amqp, epmd string) driver.Node {
	return driver.Node{Name: "m-1", Members: []string{"m-1", "m-2"}, Render: renderFake, Ports: []driver.Port{
		{Name: "amqp", Inside: 5672, Public: netip.MustParseAddrPort(amqp)},
		{Name: "epmd", Inside: 4369, Public: netip.MustParseAddrPort(epmd), Private: true, Shared: true},
	}}
}

// fake installs the programs of this test in a folder, and returns where they are.
func fake(t *testing.T) (folders []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, dir := range []string{"sbin", "plugins/rabbit-9.9.9", "plugins/rabbit_common-8.8.8"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"rabbitmq-server", "rabbitmqctl", "epmd"} {
		script := fmt.Sprintf("#!/bin/sh\nexec '%s' fake-%s \"$@\"\n", self, name)
		if err := os.WriteFile(filepath.Join(home, "sbin", name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return []string{filepath.Join(home, "nothing"), filepath.Join(home, "sbin")}
}

func fakeEngine() brokertest.Engine {
	return brokertest.Engine{
		Name: "rabbitmq",
		Ports: func() []driver.Port {
			return []driver.Port{{Name: "amqp", Inside: 5672}, {Name: "epmd", Inside: 4369, Private: true}}
		},
		Render:       renderFake,
		RenderMember: func(string) func(driver.Place) (driver.Launch, error) { return renderFake },
		Reaches: func(ctx context.Context, i driver.Instance, _ map[string]string) error {
			_, err := i.Exec(ctx, nil, "/bin/sh", "-c", `"$FAKE_CTL" reach "$FAKE_EPMD"`)
			return err
		},
		Says: "this serves",
		Serves: func(at netip.AddrPort) error {
			c, err := net.Dial("tcp", at.String())
			if err == nil {
				c.Close()
			}
			return err
		},
		Keep: func(ctx context.Context, i driver.Instance, name string) error {
			_, err := i.Exec(ctx, nil, "rabbitmqctl", "keep", name)
			return err
		},
		Kept: func(ctx context.Context, i driver.Instance, name string) (bool, error) {
			out, err := i.Exec(ctx, nil, "rabbitmqctl", "kept", name)
			return strings.TrimSpace(string(out)) == "kept", err
		},
		Broken: func(_ driver.Place, l *driver.Launch) { l.Files[0].Contents = []byte("bad") },
	}
}

func renderFake(p driver.Place) (driver.Launch, error) {
	conf := filepath.Join(p.Config, "conf")
	return driver.Launch{
		Files: []driver.File{{Path: conf, Contents: []byte("good"), Mode: 0o400}},
		Env: []string{"FAKE_CONF=" + conf, "FAKE_DATA=" + p.Data, "FAKE_AT=" + p.Listen["amqp"].String(),
			"FAKE_EPMD=" + p.Listen["epmd"].String(), "FAKE_CTL=" + p.Software.Programs["rabbitmqctl"]},
		Command:   []string{p.Software.Programs["rabbitmq-server"]},
		Companion: []string{p.Software.Programs["epmd"], p.Listen["epmd"].String()},
	}, nil
}
