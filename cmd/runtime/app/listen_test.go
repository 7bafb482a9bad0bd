package app

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
)

// What keeps a port closed is told as it is; another runtime is suspected only
// when the port is taken.
func TestListenErrorsSayWhatIsTrue(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String():    "is another runtime running?",
		"192.0.2.1:4566":         "no interface of this machine has that address",
		"127.0.0.1:no-such-port": "there is no such host or port",
		"nowhere":                "missing port in address",
		"127.0.0.1:99999":        "--listen takes host:port",
	} {
		_, err := listen(address)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
		if err != nil && address != taken.Addr().String() && strings.Contains(err.Error(), "another runtime") {
			t.Errorf("%s: %v, though the port is not taken", address, err)
		}
	}
	unknown := &net.OpError{Op: "listen", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "nowhere", IsNotFound: true}}
	if got := remedy(unknown); !strings.Contains(got, "no such host") {
		t.Errorf("an unknown host: %q", got)
	}
	refused := &net.OpError{Op: "listen", Net: "tcp", Err: syscall.EACCES} // root may listen everywhere
	if got := remedy(refused); !strings.Contains(got, "may not listen there") {
		t.Errorf("not allowed: %q", got)
	}
}

// Whoever listens beyond loopback is told what that means; nobody else is.
func TestListeningBeyondLoopbackWarns(t *testing.T) {
	for address, want := range map[string]bool{":0": true, "0.0.0.0:0": true, "127.0.0.1:0": false, "localhost:0": false} {
		var log bytes.Buffer
		a := New(Config{Listen: address, Data: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if got := strings.Contains(log.String(), "run code as the user"); got != want {
			t.Errorf("%s: warned is %v, want %v", address, got, want)
		}
	}
}
