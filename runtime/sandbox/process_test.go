//go:build unix

package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"millrace/runtime/fault"
	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/sandbox"
	"millrace/runtime/sandbox/gobuild"
	"millrace/test/needs"
	"millrace/test/patience"
)

const account = "123456789012"

// misbehave is the folder with functions/misbehave, built by the first test that
// asks: a fuzz worker never does.
var misbehave = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err == nil {
		built = dir
		err = gobuild.Build(context.Background(), "../../functions/misbehave", filepath.Join(dir, "bootstrap"))
	}
	if err != nil {
		panic(err)
	}
	return dir
})

var built string // the folder to remove in the end

func TestMain(m *testing.M) {
	if os.Getenv("SANDBOX_TEST_VICTIM") != "" {
		victim()
		return
	}
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

func misbehaveSpec() sandbox.Spec {
	arn := "arn:aws:lambda:eu-west-1:" + account + ":function:misbehave"
	return sandbox.Spec{
		Key: arn + ":1", ARN: arn, Name: "misbehave", Version: "$LATEST", Account: account, Region: "eu-west-1",
		Runtime: "provided.al2023", Handler: "any", Code: sandbox.Folder(misbehave()), Timeout: 20 * time.Second, MemoryMB: 256,
	}
}

// newPool returns a pool that must stop well.
func newPool(t testing.TB, c sandbox.Config) *sandbox.Pool {
	t.Helper()
	needs.Time(t)
	p := sandbox.New(c)
	start(t, p)
	t.Cleanup(func() {
		if err := p.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return p
}

func start(t testing.TB, p *sandbox.Pool) {
	t.Helper()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

var requests struct {
	sync.Mutex
	n int
}

func request(event string) sandbox.Request {
	requests.Lock()
	defer requests.Unlock()
	requests.n++
	return sandbox.Request{
		ID:         fmt.Sprintf("00000000-0000-4000-8000-%012d", requests.n),
		Payload:    []byte(event),
		InvokedARN: "arn:aws:lambda:eu-west-1:" + account + ":function:misbehave",
	}
}

func invoke(t testing.TB, p *sandbox.Pool, s sandbox.Spec, event string) sandbox.Result {
	t.Helper()
	r, err := p.Invoke(context.Background(), s, request(event))
	if err != nil {
		t.Fatalf("Invoke(%s): %v", event, err)
	}
	return r
}

func TestAnswer(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	r := invoke(t, p, misbehaveSpec(), `{"do":"answer","bytes":3}`)
	if string(r.Payload) != `"xxx"` || r.FunctionError != "" || !r.Cold || r.Init <= 0 || r.MaxMemoryMB == 0 {
		t.Errorf("got %+v", r)
	}
}

func TestHandlerThatReturnsNothingAnswersNull(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	if r := invoke(t, p, misbehaveSpec(), `{}`); string(r.Payload) != "null" {
		t.Errorf("got %s", r.Payload)
	}
}

func TestEnvironmentIsUsedAgain(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	for i := 1; i <= 3; i++ {
		r := invoke(t, p, misbehaveSpec(), `{"do":"count"}`)
		if string(r.Payload) != strconv.Itoa(i) || r.Cold != (i == 1) || (r.Init > 0) != (i == 1) {
			t.Errorf("event %d: got %s, cold %v, init %v", i, r.Payload, r.Cold, r.Init)
		}
	}
}

func TestEnvironmentIsNotSharedBetweenKeys(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	a, b := misbehaveSpec(), misbehaveSpec()
	b.Key += "2"
	invoke(t, p, a, `{"do":"count"}`)
	if r := invoke(t, p, b, `{"do":"count"}`); string(r.Payload) != "1" || !r.Cold {
		t.Errorf("got %s, cold %v", r.Payload, r.Cold)
	}
}

// Failures in AWS's words: lambda's recorded answers.
func TestFailure(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	for _, c := range []struct {
		rule, event string
		timeout     time.Duration
		want        string // ID stands for the request id
		log         string // a line of the log; ditto
		status      string // the end of REPORT
	}{
		{"exit code 0", `{"do":"exit"}`, 0,
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}`,
			"RequestId: ID Error: Runtime exited without providing a reason\nRuntime.ExitError\n", "Status: error\tError Type: Runtime.ExitError\t"},
		{"exit code", `{"do":"exit","code":127}`, 0,
			`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 127"}`,
			"RequestId: ID Error: Runtime exited with error: exit status 127\nRuntime.ExitError\n", "Status: error\tError Type: Runtime.ExitError\t"},
		{"time-out", `{"do":"hang"}`, time.Second,
			`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}`,
			"Z ID Task timed out after 1.00 seconds\n", "Status: timeout\t"},
		{"error", `{"do":"error","text":"no <mill>"}`, 0,
			`{"errorMessage":"no \u003cmill\u003e","errorType":"errorString"}`, "", "\t"},
		{"too large an answer", `{"do":"answer","bytes":6291555}`, 0,
			`{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`, "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := misbehaveSpec()
			if c.timeout > 0 {
				s.Key, s.Timeout = s.Key+c.rule, c.timeout
			}
			req := request(c.event)
			r, err := p.Invoke(context.Background(), s, req)
			if err != nil {
				t.Fatal(err)
			}
			with := func(s string) string { return strings.ReplaceAll(s, "ID", req.ID) }
			if got := string(r.Payload); got != with(c.want) || r.FunctionError != "Unhandled" {
				t.Errorf("got %s (%s)\nwant %s", got, r.FunctionError, with(c.want))
			}
			if log := string(r.Log); !strings.Contains(log, strings.ReplaceAll(c.log, "ID", req.ID)) || !strings.HasSuffix(log, c.status+"\n") {
				t.Errorf("log is\n%s", log)
			}
		})
	}
}

func TestLargestAnswerPasses(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	r := invoke(t, p, misbehaveSpec(), `{"do":"answer","bytes":6291554}`)
	if len(r.Payload) != 6291556 || r.FunctionError != "" {
		t.Errorf("got %d bytes, error %q", len(r.Payload), r.FunctionError)
	}
}

func TestPanicAnswersThenReplacesEnvironment(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	invoke(t, p, misbehaveSpec(), `{"do":"remember","text":"x"}`)
	r := invoke(t, p, misbehaveSpec(), `{"do":"panic"}`)
	var got struct {
		ErrorType, ErrorMessage string
		StackTrace              []struct{ Path, Label string }
	}
	if err := json.Unmarshal(r.Payload, &got); err != nil || got.ErrorType != "string" || got.ErrorMessage != "as asked" || len(got.StackTrace) == 0 {
		t.Errorf("got %s (%v)", r.Payload, err)
	}
	if !bytes.Contains(r.Log, []byte("Error: Runtime exited with error: exit status 1\nRuntime.ExitError\nEND")) {
		t.Errorf("log is\n%s", r.Log)
	}
	if r := invoke(t, p, misbehaveSpec(), `{"do":"recall"}`); !r.Cold || r.FunctionError == "" {
		t.Errorf("the next environment is cold %v, and remembers %s", r.Cold, r.Payload)
	}
}

func TestTimeoutKeepsTheTemporaryFolderAndNothingElse(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	s := misbehaveSpec()
	s.Timeout = time.Second
	invoke(t, p, s, `{"do":"count"}`)
	invoke(t, p, s, `{"do":"remember","text":"kept"}`)
	if r := invoke(t, p, s, `{"do":"hang"}`); r.Duration != s.Timeout {
		t.Errorf("took %v", r.Duration)
	}
	if r := invoke(t, p, s, `{"do":"recall"}`); string(r.Payload) != `"kept"` || r.Cold {
		t.Errorf("got %s, cold %v", r.Payload, r.Cold)
	}
	if r := invoke(t, p, s, `{"do":"count"}`); string(r.Payload) != "1" {
		t.Errorf("counted %s in a new process", r.Payload)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is not metered here")
	}
	p := newPool(t, sandbox.Config{})
	s := misbehaveSpec()
	s.MemoryMB = 128
	r := invoke(t, p, s, `{"do":"allocate","mb":200}`)
	if !bytes.Contains(r.Payload, []byte("Runtime exited with error: signal: killed")) || r.MaxMemoryMB != 128 {
		t.Errorf("got %s, %d MB", r.Payload, r.MaxMemoryMB)
	}
	if !bytes.Contains(r.Log, []byte("Memory Size: 128 MB\tMax Memory Used: 128 MB\t")) {
		t.Errorf("log is\n%s", r.Log)
	}
}

func TestMemoryOfAFunctionCountsItsChildren(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is not metered here")
	}
	p := newPool(t, sandbox.Config{})
	s := misbehaveSpec()
	s.MemoryMB = 48 // none of the three needs as much
	r := invoke(t, p, s, `{"do":"daemonise","count":2,"mb":20,"ms":10000}`)
	if !bytes.Contains(r.Payload, []byte("Runtime exited with error: signal: killed")) || r.MaxMemoryMB != 48 {
		t.Errorf("got %s, %d MB", r.Payload, r.MaxMemoryMB)
	}
	s.Key, s.MemoryMB = s.Key+"more", 256
	r = invoke(t, p, s, `{"do":"spawn","count":2,"mb":20,"ms":300}`)
	if r.FunctionError != "" || r.MaxMemoryMB < 40 || r.MaxMemoryMB > 120 {
		t.Errorf("got %s, %d MB", r.Payload, r.MaxMemoryMB)
	}
}

func TestMemoryUsedIsShown(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is not metered here")
	}
	p := newPool(t, sandbox.Config{})
	if r := invoke(t, p, misbehaveSpec(), `{"do":"allocate","mb":100}`); r.MaxMemoryMB < 100 || r.MaxMemoryMB > 256 {
		t.Errorf("%d MB", r.MaxMemoryMB)
	}
}

func TestLogOfAnEvent(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	s := misbehaveSpec()
	s.Env = map[string]string{"INIT": "print"}
	for _, cold := range []bool{true, false} {
		req := request(`{"do":"print","lines":2}`)
		req.TraceHeader = "Root=1-5e1b4151-5ac6c58f0bd7e3b4a1f2c3d4;Parent=53995c3f42cd8ad8;Sampled=1"
		r, err := p.Invoke(context.Background(), s, req)
		if err != nil {
			t.Fatal(err)
		}
		init := ""
		if cold {
			init = `Init Duration: \d+\.\d\d ms\t`
		}
		want := regexp.MustCompile(`^START RequestId: ` + req.ID + ` Version: \$LATEST
line 1
line 2
no newline at the end
END RequestId: ` + req.ID + `
REPORT RequestId: ` + req.ID + `\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\t` + init + `
XRAY TraceId: 1-5e1b4151-5ac6c58f0bd7e3b4a1f2c3d4\tSegmentId: 53995c3f42cd8ad8\tSampled: true\t
$`)
		if !want.Match(r.Log) {
			t.Errorf("cold %v: log is\n%s\nwant\n%s", cold, r.Log, want)
		}
	}
}

func TestLogTailIsFourKilobytes(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	r := invoke(t, p, misbehaveSpec(), `{"do":"print","lines":50000}`)
	if len(r.Log) != 4096 || !bytes.Contains(r.Log, []byte("line 50000\nno newline at the end\nEND")) {
		t.Errorf("%d bytes:\n%s", len(r.Log), r.Log)
	}
}

func TestLinesGoToTheSinks(t *testing.T) {
	var mu sync.Mutex
	var lines []sandbox.Line
	var terminal bytes.Buffer
	p := newPool(t, sandbox.Config{Output: &terminal, OnLog: func(l sandbox.Line) {
		mu.Lock()
		defer mu.Unlock()
		l.Text = bytes.Clone(l.Text)
		lines = append(lines, l)
	}})
	invoke(t, p, misbehaveSpec(), `{"do":"print","lines":1}`)
	if got, want := terminal.String(), "misbehave | line 1\nmisbehave | no newline at the end\n"; got != want {
		t.Errorf("terminal shows %q, want %q", got, want)
	}
	var kinds []string
	for _, l := range lines {
		if l.Name != "misbehave" || l.LogGroup != "/aws/lambda/misbehave" || l.Time.IsZero() ||
			!regexp.MustCompile(`^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`).MatchString(l.LogStream) {
			t.Errorf("line %+v", l)
		}
		word, _, _ := strings.Cut(string(l.Text), " ")
		kinds = append(kinds, word)
	}
	if want := []string{"INIT_START", "START", "line", "no", "END", "REPORT"}; !slices.Equal(kinds, want) {
		t.Errorf("lines %v, want %v", kinds, want)
	}
}

// Each way in which a function may fail to start, the first time or for ever.
func TestInit(t *testing.T) {
	empty, script, plain, folder, binary, linked := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	for file, mode := range map[string]os.FileMode{script: 0o755, plain: 0o644} {
		if err := os.WriteFile(filepath.Join(file, "bootstrap"), []byte("#!/nowhere/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(folder, "bootstrap"), 0o755),
		os.Symlink("/bin/sh", filepath.Join(linked, "bootstrap")),
		os.WriteFile(filepath.Join(binary, "bootstrap"), []byte{1, 2, 3, 4}, 0o755)); err != nil {
		t.Fatal(err)
	}
	entry := func(what string) string {
		return `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: ID Error: ` + what + `"}`
	}
	p := newPool(t, sandbox.Config{})
	for _, c := range []struct{ rule, dir, init, want string }{
		{"no bootstrap", empty, "", entry("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")},
		{"bootstrap is a folder", folder, "", entry("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")},
		{"bootstrap leads out of the folder", linked, "", entry("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")},
		{"not executable", plain, "", entry("fork/exec /var/task/bootstrap: permission denied")},
		{"no interpreter", script, "", entry("fork/exec /var/task/bootstrap: no such file or directory")},
		{"not a program", binary, "", entry("fork/exec /var/task/bootstrap: exec format error")},
		{"exit", misbehave(), "exit", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}`},
		{"exit, then well", misbehave(), "exit once", "null"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := misbehaveSpec()
			s.Key, s.Code, s.Env = s.Key+c.rule, sandbox.Folder(c.dir), map[string]string{"INIT": c.init}
			req := request(`{}`)
			r, err := p.Invoke(context.Background(), s, req)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.ReplaceAll(c.want, "ID", req.ID); string(r.Payload) != want {
				t.Errorf("got %s\nwant %s", r.Payload, want)
			}
			if failed := c.want != "null"; failed != (r.FunctionError == "Unhandled") || !r.Cold || r.Init != 0 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestEnvironmentOfAFunction(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "1")
	p := newPool(t, sandbox.Config{Endpoint: func() string { return "http://localhost:4566" }})
	s := misbehaveSpec()
	s.Env = map[string]string{"COLOUR": "blue", "LANG": "de_DE.UTF-8"}
	s.LogGroup, s.LogFormat, s.LogLevel = "/orders", "JSON", "WARN"
	var list []string
	if err := json.Unmarshal(invoke(t, p, s, `{"do":"environment"}`).Payload, &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range list {
		k, v, _ := strings.Cut(v, "=")
		got[k] = v
	}
	for k, want := range map[string]string{
		"COLOUR": "blue", "LANG": "de_DE.UTF-8", "AWS_ENDPOINT_URL": "http://localhost:4566",
		"AWS_ACCESS_KEY_ID": account, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
		"AWS_LAMBDA_FUNCTION_NAME": "misbehave", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/orders", "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN", "LAMBDA_TASK_ROOT": misbehave(),
		"_HANDLER": "any", "TZ": ":UTC", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
	} {
		if got[k] != want {
			t.Errorf("%s is %q, want %q", k, got[k], want)
		}
	}
	for _, k := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME", "TMPDIR"} {
		if got[k] == "" {
			t.Errorf("%s is not set", k)
		}
	}
	for _, k := range []string{"SECRET_OF_THE_HOST", "HOME", "AWS_EXECUTION_ENV"} {
		if v, ok := got[k]; ok {
			t.Errorf("%s is %q", k, v)
		}
	}
}

func TestContextOfAnEvent(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	s := misbehaveSpec()
	req := request(`{"do":"context"}`)
	req.InvokedARN += ":live"
	req.TraceHeader = "Root=1-2-3;Parent=4;Sampled=0"
	req.ClientContext = `{"custom":{"k":"v"}}`
	before := time.Now()
	r, err := p.Invoke(context.Background(), s, req)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		ID, ARN, Trace, Dir string
		Custom              map[string]string
		Deadline            int64
	}
	if err := json.Unmarshal(r.Payload, &got); err != nil {
		t.Fatalf("%s: %v", r.Payload, err)
	}
	if got.ID != req.ID || got.ARN != req.InvokedARN || got.Trace != req.TraceHeader || got.Custom["k"] != "v" {
		t.Errorf("got %+v", got)
	}
	if first, last := before.Add(s.Timeout).UnixMilli(), time.Now().Add(s.Timeout).UnixMilli(); got.Deadline < first || got.Deadline > last {
		t.Errorf("deadline %d is not in [%d, %d]", got.Deadline, first, last)
	}
	if want, _ := filepath.EvalSymlinks(misbehave()); got.Dir != want {
		t.Errorf("works in %s, want %s", got.Dir, want)
	}
}

func TestIdleEnvironmentMakesRoomForAnotherFunction(t *testing.T) {
	p := newPool(t, sandbox.Config{Max: 1})
	a, b := misbehaveSpec(), misbehaveSpec()
	b.Key += "2"
	invoke(t, p, a, `{}`)
	invoke(t, p, b, `{}`)
	if r := invoke(t, p, a, `{}`); !r.Cold {
		t.Error("two environments were kept")
	}
}

func TestRetire(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	s := misbehaveSpec()
	invoke(t, p, s, `{"do":"count"}`)
	p.Retire(s.Key)
	if r := invoke(t, p, s, `{"do":"count"}`); !r.Cold {
		t.Error("an idle environment outlived its code")
	}
}

// spawned returns the ids of processes that an event left behind.
func spawned(t *testing.T, r sandbox.Result) (pids []int) {
	t.Helper()
	if err := json.Unmarshal(r.Payload, &pids); err != nil {
		t.Fatalf("%s: %v", r.Payload, err)
	}
	return pids
}

// mustEnd waits until none of the processes is there. One that was killed may
// still have to be scheduled to end.
func mustEnd(t *testing.T, pids []int) {
	t.Helper()
	patience.Until(t, "processes to end", func() bool {
		pids = slices.DeleteFunc(pids, func(pid int) bool { s := processState(pid); return s == "" || s == "Z" })
		return len(pids) == 0
	}, func() any { return fmt.Sprintf("%v are there", pids) })
}

func TestWhatAFunctionStartedEndsWithIt(t *testing.T) {
	linux := runtime.GOOS == "linux"
	for _, c := range []struct {
		rule, event string
		promised    bool
	}{
		{"a child", `{"do":"spawn"}`, true},
		{"30 children", `{"do":"spawn","count":30}`, true},
		{"a daemon", `{"do":"daemonise"}`, linux},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if !c.promised {
				t.Skip("not promised here")
			}
			p := newPool(t, sandbox.Config{})
			pids := spawned(t, invoke(t, p, misbehaveSpec(), c.event))
			for _, pid := range pids {
				if err := syscall.Kill(pid, 0); err != nil {
					t.Fatalf("%d is gone too early: %v", pid, err)
				}
			}
			if err := p.Stop(context.Background()); err != nil {
				t.Fatal(err)
			}
			mustEnd(t, pids)
		})
	}
}

// Whatever ends an environment ends its daemons, and only these.
func TestDaemonsEndWithTheirEnvironment(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not promised here")
	}
	p := newPool(t, sandbox.Config{})
	other := misbehaveSpec()
	other.Key += "other"
	others := spawned(t, invoke(t, p, other, `{"do":"daemonise"}`))
	for _, c := range []struct {
		rule, event string
	}{
		{"exit", `{"do":"exit","code":1}`},
		{"time-out", `{"do":"hang"}`},
		{"retired", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := misbehaveSpec()
			s.Key, s.Timeout = s.Key+c.rule, 2*time.Second
			pids := spawned(t, invoke(t, p, s, `{"do":"daemonise"}`))
			if c.event == "" {
				p.Retire(s.Key)
			} else {
				invoke(t, p, s, c.event)
			}
			mustEnd(t, pids)
			if processState(others[0]) == "" {
				t.Error("the daemon of another environment is gone")
			}
		})
	}
}

// TestMain turns into this when it is told to: a process with a function at work,
// which says the ids of the function and of a daemon, and is to be killed.
func victim() {
	p := sandbox.New(sandbox.Config{OnLog: func(l sandbox.Line) {
		if pid, ok := bytes.CutPrefix(l.Text, []byte("hanging ")); ok {
			fmt.Printf("%s\n", pid)
		}
	}})
	if err := p.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	s := misbehaveSpec()
	s.Code = sandbox.Folder(os.Getenv("SANDBOX_TEST_VICTIM"))
	daemons, err := p.Invoke(context.Background(), s, request(`{"do":"daemonise"}`))
	fmt.Printf("%s\n", bytes.Trim(daemons.Payload, "[]"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	p.Invoke(context.Background(), s, request(`{"do":"hang"}`))
}

func TestFunctionsDieWithUs(t *testing.T) {
	needs.Time(t)
	if runtime.GOOS != "linux" {
		t.Skip("not promised here")
	}
	us := exec.Command(os.Args[0])
	us.Env = append(os.Environ(), "SANDBOX_TEST_VICTIM="+misbehave(), "TMPDIR="+t.TempDir())
	us.Stderr = os.Stderr
	said, err := us.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := us.Start(); err != nil {
		t.Fatal(err)
	}
	pids := make([]int, 2)
	if _, err := fmt.Fscan(said, &pids[0], &pids[1]); err != nil {
		t.Fatal(err)
	}
	us.Process.Kill()
	us.Wait()
	mustEnd(t, pids)
}

func TestCodeFolderMayBeRelative(t *testing.T) {
	t.Chdir(filepath.Dir(misbehave()))
	p := newPool(t, sandbox.Config{})
	s := misbehaveSpec()
	s.Code = sandbox.Folder(filepath.Base(misbehave()))
	if r := invoke(t, p, s, `{"do":"answer"}`); r.FunctionError != "" {
		t.Errorf("got %s", r.Payload)
	}
}

// Code is looked for when a process is started, and not for each event.
func TestCodeIsFoundForEachProcess(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	s := misbehaveSpec()
	found := 0
	s.Code = func() (string, error) { found++; return misbehave(), nil }
	for _, c := range []struct {
		do   string
		want int
	}{{"answer", 1}, {"answer", 1}, {"exit", 1}, {"answer", 2}} {
		invoke(t, p, s, `{"do":"`+c.do+`"}`)
		if found != c.want {
			t.Fatalf("after %s it was found %d times, want %d", c.do, found, c.want)
		}
	}
	s.Key += " lost"
	s.Code = func() (string, error) { return "", fault.New(fault.Unavailable, "it is lost") }
	if _, err := p.Invoke(context.Background(), s, request(`{}`)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("code that is not found: %v", err)
	}
}

func TestEmptyEventIsAnObject(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	if r := invoke(t, p, misbehaveSpec(), ""); string(r.Payload) != "null" {
		t.Errorf("got %s", r.Payload)
	}
}

func TestNoTemporaryFolder(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if _, err := p.Invoke(context.Background(), misbehaveSpec(), request(`{}`)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}

// processState is the letter ps shows, "" for no process: a killed orphan is a
// zombie until init has time for it.
func processState(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[0]
}

func TestStopLeavesNothing(t *testing.T) {
	needs.Time(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	// A first pool starts what the Go runtime itself keeps: signals, netpoll.
	warm := sandbox.New(sandbox.Config{})
	start(t, warm)
	invoke(t, warm, misbehaveSpec(), `{}`)
	warm.Stop(context.Background())
	before := openFiles(t)

	p := sandbox.New(sandbox.Config{})
	start(t, p)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { invoke(t, p, misbehaveSpec(), `{"do":"wait","ms":100}`) })
	}
	wg.Wait()
	if err := p.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open, %d were", after, before)
	}
	// A goroutine that has said it is done takes a moment to be gone.
	patience.Until(t, "the pool's goroutines to be gone", func() bool {
		return !bytes.Contains(stacks(), []byte("created by millrace/runtime/sandbox."))
	}, func() any { return string(stacks()) })
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("%v is left of temporary folders", left)
	}
	if _, err := p.Invoke(context.Background(), misbehaveSpec(), request(`{}`)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("after Stop: %v", err)
	}
	if err := p.Stop(context.Background()); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}

func stacks() []byte {
	all := make([]byte, 1<<20)
	return all[:runtime.Stack(all, true)]
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestStopCutsEventsOff(t *testing.T) {
	needs.Time(t)
	started := make(chan struct{}, 10)
	p := sandbox.New(sandbox.Config{OnLog: func(l sandbox.Line) {
		if bytes.HasPrefix(l.Text, []byte("hanging")) {
			started <- struct{}{}
		}
	}})
	start(t, p)
	errs := make(chan error)
	go func() {
		_, err := p.Invoke(context.Background(), misbehaveSpec(), request(`{"do":"hang"}`))
		errs <- err
	}()
	<-started
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Stop(now); !errors.Is(err, fault.Timeout) {
		t.Errorf("Stop: %v", err)
	}
	if err := <-errs; !errors.Is(err, fault.Unavailable) {
		t.Errorf("Invoke: %v", err)
	}
}

func TestAPoolIsAPart(t *testing.T) {
	lifecycletest.Stress(t, func() lifecycle.Part { return sandbox.New(sandbox.Config{}) })
}

// A pool that was stopped runs events again after another start, and none before.
func TestAPoolStartsAgain(t *testing.T) {
	p := newPool(t, sandbox.Config{})
	for range 2 {
		invoke(t, p, misbehaveSpec(), `{}`)
		if err := p.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Invoke(t.Context(), misbehaveSpec(), request(`{}`)); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a stopped pool: %v", err)
		}
		start(t, p)
	}
}

func BenchmarkWarm(b *testing.B) {
	p := newPool(b, sandbox.Config{})
	invoke(b, p, misbehaveSpec(), `{}`)
	for b.Loop() {
		invoke(b, p, misbehaveSpec(), `{}`)
	}
}

func BenchmarkCold(b *testing.B) {
	p := newPool(b, sandbox.Config{})
	for b.Loop() {
		invoke(b, p, misbehaveSpec(), `{}`)
		p.Retire(misbehaveSpec().Key)
	}
}
