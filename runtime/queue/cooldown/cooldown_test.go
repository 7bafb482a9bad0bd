package cooldown

import (
	"testing"
	"time"
)

func TestCooling(t *testing.T) {
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		ago  time.Duration
		want bool
	}{
		{"just now", 0, true},
		{"almost a minute", time.Minute - 1, true},
		{"a minute", time.Minute, false},
		{"on a node whose clock is a little ahead", -time.Second, true},
		{"before the clock was set back", -time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := cooling(now.Add(-c.ago), now); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
