package descriptors

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
)

// of1024 has room for 704 files beside 256 connections.
func of1024(open *int, logged *bytes.Buffer) *Limit {
	return newLimit(1024, func() (int, error) { return *open, nil }, slog.New(slog.NewTextHandler(logged, nil)))
}

func TestRefusesPastTheRestAndHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open, logged := 14, bytes.Buffer{}
		l := of1024(&open, &logged)
		n := 0
		for ; n < 1024 && l.Open() == nil; n++ {
			open++
		}
		if n != 690 {
			t.Errorf("%d files were opened beside 14", n)
		}
		time.Sleep(countEvery)
		err := l.Open()
		if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "(ulimit -n) is 1024, and 704 are open") {
			t.Errorf("got %v", err)
		}
		open -= 2
		if time.Sleep(countEvery); l.Admit(0) == nil {
			t.Error("admitted again at once: it would flap")
		}
		open -= 30
		if err := l.Admit(0); err == nil {
			t.Error("counted again within a moment")
		}
		if time.Sleep(countEvery); l.Open() != nil {
			t.Error("refused with room")
		}
		if n := strings.Count(logged.String(), "\n"); n != 2 {
			t.Errorf("an episode is %d lines:\n%s", n, logged.String())
		}
	})
}

func TestConnectionsDoNotCount(t *testing.T) {
	open := 900
	l := of1024(&open, &bytes.Buffer{})
	if l.Open() == nil {
		t.Error("opened a file beside 900")
	}
	l = of1024(&open, &bytes.Buffer{})
	for range 256 {
		l.conns.open[&conn{}] = struct{}{}
	}
	if err := l.Open(); err != nil {
		t.Errorf("of 900 are 256 connections: %v", err)
	}
}

// Queues that are made at 20 a second rest for 30 seconds, and then for as long as
// it takes until somebody looks.
func TestLooks(t *testing.T) {
	for all, want := range map[int]time.Duration{128: looksMost, 1024: 5200 * time.Millisecond, 4096: 110800 * time.Millisecond, 1 << 20: looksSeld} {
		l := newLimit(all, nil, nil)
		if got := l.CheckInterval(); got != want {
			t.Errorf("of %d: every %v, want %v", all, got, want)
		}
	}
	if got := (*Limit)(nil).CheckInterval(); got != looksSeld {
		t.Errorf("without a limit: every %v", got)
	}
}

func TestFind(t *testing.T) {
	l := Find(slog.New(slog.DiscardHandler))
	if l == nil {
		return // nothing bounds it
	}
	if err := l.Open(); err != nil {
		t.Error(err)
	}
	if l.open < 4 { // three, and what was opened
		t.Errorf("counted %d", l.open)
	}
}

func TestNoLimit(t *testing.T) {
	var l *Limit
	if l.Open() != nil || l.Admit(1) != nil || l.Listener(nil) != nil {
		t.Error("a nil limit limits")
	}
}
