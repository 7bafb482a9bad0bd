package backbone

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Says when nats-server has renamed what CalmClock relies on.
func TestClockIsTheStores(t *testing.T) {
	if !setClock(time.Now()) {
		t.Error("the access time of nats-server could not be set")
	}
}

func TestCalmClockReplacesTheFastOne(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	CalmClock(ctx)
	for running("ats.Register") { // it was told to end
		runtime.Gosched()
	}
	if !running("CalmClock") {
		t.Error("there is no clock anymore")
	}
	cancel()
	for running("CalmClock") {
		runtime.Gosched()
	}
}

// running tells whether a goroutine was started by a function.
func running(function string) bool {
	stacks := make([]byte, 1<<20)
	for _, line := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n") {
		if strings.HasPrefix(line, "created by ") && strings.Contains(line, function) {
			return true
		}
	}
	return false
}
