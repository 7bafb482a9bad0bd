package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestConn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch string(body) {
		case "chunks":
			for range 3 {
				io.WriteString(w, "chunk ")
				w.(http.Flusher).Flush()
			}
		case "refuse":
			http.Error(w, "refused", http.StatusBadRequest)
		case "empty":
		default:
			io.WriteString(w, r.Header.Get("X-Amz-Target")+" "+string(body))
		}
	}))
	defer server.Close()
	c, err := dial(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// All on one connection: each answer must be read to its end.
	for _, test := range []struct{ body, want, fails string }{
		{"hello", "AmazonSQS.Op hello", ""},
		{"chunks", "chunk chunk chunk ", ""},
		{"empty", "", ""},
		{"refuse", "refused\n", "status 400: refused"},
		{strings.Repeat("long", 50_000), "AmazonSQS.Op " + strings.Repeat("long", 50_000), ""},
	} {
		got, err := c.do(rpc("Op", []byte(test.body)))
		if string(got) != test.want || (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
			t.Errorf("%.20s: got %.40q, %v; want %.40q, %q", test.body, got, err, test.want, test.fails)
		}
	}
}

// load ends each connection when its step says so, and adds up what they did.
func TestLoad(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := load(l.Addr().String(), 3, time.Hour, func(c *conn) (int, error) {
		if c.body = append(c.body, 0); len(c.body) > 4 {
			return 0, errDone
		}
		return 10, nil
	})
	if err != nil || s.msgs != 3*4*10 || len(s.latencies) != 3*4 {
		t.Errorf("%d messages in %d operations, %v; want 120 in 12", s.msgs, len(s.latencies), err)
	}
}

func TestPercentile(t *testing.T) {
	s := sampleOf([]time.Duration{3, 1, 2, 4})
	for p, want := range map[float64]time.Duration{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := s.percentile(p); got != want {
			t.Errorf("percentile %v is %v, want %v", p, got, want)
		}
	}
	if got := (sample{}).percentile(0.5); got != 0 {
		t.Errorf("percentile of nothing is %v", got)
	}
}

func TestTable(t *testing.T) {
	of := func(msgs int) map[string]sample {
		return map[string]sample{"sendbatch": {msgs: msgs, elapsed: time.Second, latencies: []time.Duration{time.Millisecond}, echo: 100}}
	}
	chosen, err := choose("sendbatch")
	if err != nil {
		t.Fatal(err)
	}
	got := table(chosen, []map[string]sample{of(900), of(100), of(250)})
	const want = "| sendbatch | SendMessageBatch of 10 | 1 | 250 | 1ms | 1ms | 2.50 | ✓ ≥ 2.5 × echo: 2.50 |\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want the median run:\n%s", got, want)
	}
	if got := table(chosen, []map[string]sample{of(249)}); !strings.Contains(got, "✗ ≥ 2.5 × echo: 2.49") {
		t.Errorf("a floor that is missed is not marked: %s", got)
	}
	// A mode that is measured once, and one that is compared with another: both
	// machines gave as much as their echo servers say.
	chosen, err = choose("fifo,million")
	if err != nil {
		t.Fatal(err)
	}
	second := sample{msgs: 80, elapsed: time.Second, echo: 50}
	first := map[string]sample{
		"send": {msgs: 200, elapsed: time.Second, echo: 100}, "fifo": second,
		"million": {msgs: 10, elapsed: time.Second, echo: 1, ready: 4 * time.Second, memory: 300 << 20},
	}
	got = table(chosen, []map[string]sample{first, {"send": first["send"], "fifo": second}})
	for _, want := range []string{"✓ ≥ 0.75 × send: 0.80", "✓ memory < 400 MB: 300 MB", "✗ ready again < 3s: 4s", "✗ ≥ 0.9 × recvdel: not measured"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	if _, err := choose("send,sned"); err == nil {
		t.Error("a mode that does not exist is chosen")
	}
}
