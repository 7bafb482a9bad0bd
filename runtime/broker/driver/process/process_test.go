//go:build linux || darwin

package process

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"millrace/runtime/broker/brokertest"
	"millrace/runtime/broker/driver"
	"millrace/test/needs"
	"millrace/test/patience"
)

// The kit over RabbitMQ as it is installed.
func TestDriver(t *testing.T) {
	needs.Long(t)
	_, err := find("rabbitmq", nil)
	needs.That(t, err, "apt-get install rabbitmq-server")
	brokertest.Exercise(t, subject(brokertest.RabbitMQ(), nil))
}

// subject is the driver for the kit; folders are where it finds programs.
func subject(e brokertest.Engine, folders []string) brokertest.Subject {
	return brokertest.Subject{
		Engine: e, Version: "3.13",
		Open: func(t *testing.T, data string) driver.Driver {
			return open(t, Config{Data: data, Folders: folders})
		},
		Absent: func(t *testing.T, data string) driver.Driver {
			return open(t, Config{Data: data, Folders: []string{}})
		},
		Kill: func(t *testing.T, data, node string) {
			if err := syscall.Kill(recordOf(t, data, node).Main.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		},
		Left: left,
		Foreign: func(t *testing.T, data, node string) func() error {
			file := filepath.Join(data, "brokers", node, "somebody", "s")
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return func() error { _, err := os.Stat(file); return err }
		},
		Until: func(t testing.TB, what string, so func() bool) { patience.Until(t, what, so, nil) },
	}
}

func open(t *testing.T, cfg Config) *Driver {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func recordOf(t *testing.T, data, node string) (r record) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, "brokers", node, recordFile))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// left lists files below the data folder, and processes that are of it by their
// environment or by what they were started with.
func left(t *testing.T, data string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	entries, _ = os.ReadDir("/proc") // none on other systems than Linux
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, _ := os.ReadFile("/proc/" + e.Name() + "/environ")
		command, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if strings.Contains(string(environ)+string(command), data) {
			all = append(all, e.Name()+" "+strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return all
}
