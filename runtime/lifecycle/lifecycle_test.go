package lifecycle

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestDownStopsTheLastFirst(t *testing.T) {
	var s Stack
	var order []string
	part := func(name string, err error) {
		s.Push(name, func(context.Context) error { order = append(order, name); return err })
	}
	broken := errors.New("broken")
	part("store", nil)
	part("queues", broken)
	part("door", nil)
	err := s.Down(t.Context())
	if got := strings.Join(order, " "); got != "door queues store" {
		t.Errorf("stopped %s", got)
	}
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "stopping queues") {
		t.Errorf("got %v, want the broken part by name", err)
	}
	if err := s.Down(t.Context()); err != nil || len(order) != 3 {
		t.Errorf("a second Down: %v, and parts stopped %d times", err, len(order))
	}
}
