package capacity_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/capacity"
	"millrace/runtime/fault"
)

// A quota counts what is admitted between two looks, and admits again when a
// sixteenth is free.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		holds := int64(0)
		q := capacity.Quota(16000, func() int64 { return holds }, slog.New(slog.NewTextHandler(&said, nil)))
		for range 16 {
			if err := q.Admit(1000); err != nil {
				t.Fatal(err)
			}
			holds += 1000
		}
		err := q.Admit(1)
		if what, told := fault.Told(err); !told || fault.Of(err) != fault.Unavailable || !strings.Contains(what, "16.0 kB") || !strings.Contains(what, "--max-store") {
			t.Errorf("said %v", err)
		}
		holds = 15001
		time.Sleep(time.Second)
		if q.Admit(0) == nil {
			t.Error("admits when less than a sixteenth is free")
		}
		holds = 14999
		time.Sleep(time.Second)
		if err := q.Admit(0); err != nil {
			t.Error(err)
		}
		if n, m := strings.Count(said.String(), "is full"), strings.Count(said.String(), "room below"); n != 1 || m != 1 {
			t.Errorf("the log says %d times full, %d times room:\n%s", n, m, said.String())
		}
	})
}

// What many admit at once between two looks is no more than there was room for.
func TestGaugeUnderMany(t *testing.T) {
	var mu sync.Mutex
	var used int64
	const limit = 1 << 20
	q := capacity.Quota(limit, func() int64 { mu.Lock(); defer mu.Unlock(); return used }, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if q.Admit(1000) == nil {
					mu.Lock()
					used += 1000
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if used < limit-1000 || used > limit+8*1000 {
		t.Errorf("%d bytes were admitted, the limit is %d", used, limit)
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 999949: "999.9 kB", 999950: "1.0 MB", 41943040: "41.9 MB", 1 << 62: "4.6 EB"} {
		if got := capacity.Size(bytes); got != want {
			t.Errorf("%d bytes are %q, want %q", bytes, got, want)
		}
	}
}
