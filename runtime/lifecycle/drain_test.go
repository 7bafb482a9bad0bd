package lifecycle

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
)

func TestDrain(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		want  error
	}{{time.Second, nil}, {time.Hour, fault.Timeout}} {
		synctest.Test(t, func(t *testing.T) {
			work, abort := context.WithCancel(t.Context())
			defer abort()
			var parts sync.WaitGroup
			parts.Go(func() {
				select {
				case <-time.After(c.takes):
				case <-work.Done():
				}
			})
			patience, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := Drain(patience, &parts, abort, "parts"); !errors.Is(err, c.want) {
				t.Errorf("work of %v: %v, want %v", c.takes, err, c.want)
			}
			parts.Wait()
		})
	}
}
