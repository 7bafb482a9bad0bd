package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"millrace/test/needs"
)

const unit = "../../deploy/systemd/millrace.service"

// Under systemd, brokers outlive a runtime that crashes: nothing of the service signals
// them, takes their files, or gives the next runtime another user.
func TestTheServiceLeavesBrokersToBeAdopted(t *testing.T) {
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			settings[name] = value
		}
	}
	for name, want := range map[string]string{
		"KillMode": "process", "OOMPolicy": "continue", "Restart": "on-failure", "User": "millrace",
		"DynamicUser": "", "PrivateTmp": "", "RemoveIPC": "", "ExecStopPost": "",
	} {
		if settings[name] != want {
			t.Errorf("%s=%s, want %q", name, settings[name], want)
		}
	}
}

func TestTheServiceIsWellFormed(t *testing.T) {
	needs.Long(t)
	_, err := exec.LookPath("systemd-analyze")
	needs.That(t, err, "apt-get install systemd")
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	const installed = "ExecStart=/usr/local/bin/millrace "
	if !strings.Contains(string(text), installed) {
		t.Fatalf("there is no %s", installed)
	}
	self, err := os.Executable() // any program that is there
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "millrace.service")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), installed, "ExecStart="+self+" ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	// Of what it does not know, it warns, and ends well.
	if out, err := exec.Command("systemd-analyze", "verify", file).CombinedOutput(); err != nil || strings.Contains(string(out), "millrace.service") {
		t.Errorf("%v\n%s", err, out)
	}
}
