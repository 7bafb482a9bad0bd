package script

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"millrace/test/patience"
)

// client sends no body before it may, however long that takes, and keeps no
// connection that a later runtime could not know.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Hour}}

// An answer is what became of a request.
type answer struct {
	status int
	body   string
	err    error
}

func ask(req *http.Request) answer {
	resp, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(body), err}
}

func call(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: call status method path ['header: value'...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	req, err := http.NewRequest(args[1], of(ts).endpoint+args[2], nil)
	ts.Check(err)
	for _, h := range args[3:] {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	show(ts, await(ts, req), want)
}

// await waits for an answer for as long as the runtime says something.
func await(ts *testscript.TestScript, req *http.Request) answer {
	answers := make(chan answer, 1)
	go func() { answers <- ask(req) }()
	a, err := patience.Await("the answer to "+req.Method+" "+req.URL.Path, answers, of(ts).said)
	ts.Check(err)
	return a
}

func show(ts *testscript.TestScript, a answer, want int) {
	ts.Check(a.err)
	io.WriteString(ts.Stdout(), a.body)
	if a.status != want {
		ts.Fatalf("status %d, want %d: %s", a.status, want, a.body)
	}
}

func callSQS(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sqs operation json")
	}
	show(ts, await(ts, operation(ts, args[0], args[1])), http.StatusOK)
}

// begin asks the server to agree before the body is sent: it does so once the
// request is being read, so a signal that follows finds it in flight.
func begin(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || len(args) != 2 || s.pending != nil {
		ts.Fatalf("usage: begin operation json, one at a time")
	}
	served := make(chan struct{})
	req := operation(ts, args[0], args[1])
	req.Header.Set("Expect", "100-continue")
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(served) }}))
	pending, early := make(chan answer, 1), make(chan answer, 1)
	go func() {
		a := ask(req)
		select {
		case <-served:
		default:
			early <- a
			close(served)
		}
		pending <- a
	}()
	_, err := patience.Await("the runtime to read a request", served, s.said)
	ts.Check(err)
	select {
	case a := <-early:
		ts.Fatalf("answered at once: %+v", a)
	default:
	}
	s.pending = pending
}

func answered(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if neg || len(args) != 0 || s.pending == nil {
		ts.Fatalf("usage: answered, after begin")
	}
	a, err := patience.Await("the answer to what begin has sent", s.pending, s.said)
	ts.Check(err)
	show(ts, a, http.StatusOK)
	s.pending = nil
}

// operation is a request for SQS, or an invocation of a function: "invoke NAME".
func operation(ts *testscript.TestScript, name, body string) *http.Request {
	path := "/"
	function, isInvoke := strings.CutPrefix(name, "invoke ")
	if isInvoke {
		path = "/2015-03-31/functions/" + function + "/invocations"
	}
	req, err := http.NewRequest(http.MethodPost, of(ts).endpoint+path, strings.NewReader(body))
	ts.Check(err)
	if !isInvoke {
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		req.Header.Set("X-Amz-Target", "AmazonSQS."+name)
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=000000000000/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	}
	return req
}
