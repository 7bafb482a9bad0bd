package live_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/fault"
	"millrace/test/patience"
)

// Brokers are measured at each full minute, and that is kept over their restarts.
func TestMetricsOfEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		start := time.Now()
		h.mustRun(desired("b-1"))
		count := func() (n int) {
			synctest.Wait()
			for _, s := range h.runner.Metrics("b-1", start) {
				if s.Name == "QueueCount" && s.Dimensions.Node == "" {
					n = len(s.Points)
					for _, p := range s.Points {
						if p.Time != p.Time.Truncate(time.Minute) {
							t.Errorf("measured at %v", p.Time)
						}
					}
				}
			}
			return n
		}
		if n := count(); n != 0 {
			t.Errorf("a new broker has %d samples", n)
		}
		time.Sleep(10*time.Minute + 5*time.Second)
		if n := count(); n != 10 {
			t.Errorf("after ten minutes there are %d", n)
		}
		if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if h.engine.measured != 10 {
			t.Errorf("a broker that does not run was measured %d times", h.engine.measured-10)
		}
		h.mustRun(desired("b-1"))
		time.Sleep(time.Minute)
		if n := count(); n != 11 {
			t.Errorf("after a restart there are %d", n)
		}
		if newest := h.runner.Metrics("b-1", time.Time{}); len(newest) == 0 || len(newest[0].Points) != 1 {
			t.Errorf("the newest are %v", newest)
		}
		if err := h.runner.Remove(t.Context(), "b-1"); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 0 {
			t.Errorf("of a broker that is gone there are %d", n)
		}
	})
}

// logs are a driver's, with two lines of each node. With follow, what is more comes when
// the test says so, and then they break.
type logs struct{ more chan struct{} }

func (l logs) of(ctx context.Context, node string, follow bool) io.Reader {
	lines := strings.NewReader(fmt.Sprintf("%s starts\n%[1]s ends", node))
	if !follow {
		return lines
	}
	return io.MultiReader(lines, l.wait(ctx, " at last\n", nil), l.wait(ctx, "", errors.New("broken")))
}

func (l logs) wait(ctx context.Context, text string, err error) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if text == "" && err == nil {
			return 0, io.EOF
		}
		select {
		case <-l.more:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		n := copy(p, text)
		text = ""
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestLogs(t *testing.T) {
	h := newHouse(t)
	h.driver.log = logs{}.of
	say := func(id, node string) string {
		var text bytes.Buffer
		if err := h.runner.Log(t.Context(), id, node, false, &text); err != nil {
			return string(fault.Of(err))
		}
		return text.String()
	}
	if got := say("b-1", ""); got != string(fault.NotFound) {
		t.Errorf("of no broker: %q", got)
	}
	h.mustRun(desired("b-1"))
	d := desired("b-3")
	d.Mode, h.engine.size = catalog.Cluster, 3
	h.mustRun(d)
	all := ""
	for n := 1; n <= 3; n++ {
		all += fmt.Sprintf("[%d] b-3-%[1]d starts\n[%[1]d] b-3-%[1]d ends\n", n)
	}
	for _, c := range []struct{ id, node, want string }{
		{"b-1", "", "b-1-1 starts\nb-1-1 ends"},
		{"b-1", "1", "b-1-1 starts\nb-1-1 ends"},
		{"b-1", "b-1-1", "b-1-1 starts\nb-1-1 ends"},
		{"b-3", "b-3-2@localhost", "b-3-2 starts\nb-3-2 ends"},
		{"b-1", "2", string(fault.NotFound)},
		{"b-1", "../b-3-1", string(fault.NotFound)},
		{"b-3", "", all},
	} {
		if got := say(c.id, c.node); got != c.want {
			t.Errorf("%s %s:\n got %q\nwant %q", c.id, c.node, got, c.want)
		}
	}
	if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
		t.Fatal(err)
	}
	if got := say("b-1", ""); !strings.Contains(got, "starts") {
		t.Errorf("of a broker that is stopped: %q", got)
	}
}

// A log that is followed goes on with what comes from any node, in whole lines, until
// that is nobody's wish anymore, or one of them cannot be read.
func TestLogsAreFollowed(t *testing.T) {
	h := newHouse(t)
	l := logs{make(chan struct{})}
	h.driver.log = l.of
	d := desired("b-3")
	d.Mode, h.engine.size = catalog.Cluster, 3
	h.mustRun(d)
	var text lockedBuffer
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	follow := func(ctx context.Context) {
		go func() { over <- h.runner.Log(ctx, "b-3", "", true, &text) }()
	}
	follow(ctx)
	patience.Until(t, "the first lines", func() bool { return strings.Count(text.String(), "\n") == 3 }, nil)
	for range 3 {
		l.more <- struct{}{}
	}
	patience.Until(t, "what comes", func() bool { return strings.Count(text.String(), "\n") == 6 }, nil)
	for n := 1; n <= 3; n++ {
		if line := fmt.Sprintf("[%d] b-3-%[1]d ends at last\n", n); !strings.Contains(text.String(), line) {
			t.Errorf("without %q:\n%s", line, text.String())
		}
	}
	cancel()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	follow(t.Context())
	for err := error(nil); err == nil; {
		select {
		case l.more <- struct{}{}:
		case err = <-over:
			if err == nil || !strings.Contains(err.Error(), "broken") {
				t.Fatalf("a log that breaks ends with %v", err)
			}
		}
	}
	if err := h.runner.Stop(t.Context(), "b-3"); err != nil {
		t.Fatal(err)
	}
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
