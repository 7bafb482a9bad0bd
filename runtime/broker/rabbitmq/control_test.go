package rabbitmq

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/runtime/broker"
	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
	"millrace/runtime/fault"
)

// A fakeNode runs commands, and remembers them.
type fakeNode struct {
	driver.Instance
	done chan struct{}
	err  error

	mu       sync.Mutex
	commands []string
	stdin    []string
	output   map[string]string // by command; "" for "ok"
	block    bool              // until ctx is over
	fails    error             // of commands
}

func (n *fakeNode) Done() <-chan struct{} { return n.done }
func (n *fakeNode) Err() error            { return n.err }

func (n *fakeNode) Exec(ctx context.Context, stdin io.Reader, command string, args ...string) ([]byte, error) {
	if n.block {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if n.fails != nil {
		return nil, n.fails
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	line := strings.Join(append([]string{command}, args...), " ")
	n.commands = append(n.commands, line)
	if stdin != nil {
		b, _ := io.ReadAll(stdin)
		n.stdin = append(n.stdin, string(b))
	}
	if out, ok := n.output[line]; ok {
		return []byte(out), nil
	}
	return []byte("ok\n"), nil
}

// A fakeAPI answers as a broker's management API does.
type fakeAPI struct {
	mu       sync.Mutex
	answers  map[string]int // statuses by method and path; 200 for others
	bodies   map[string]string
	requests []string
	conns    int
	unwell   int // how many requests until answers that are failures become successes; 0 for ever
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what := r.Method + " " + r.URL.EscapedPath()
	f.requests = append(f.requests, what)
	if len(f.requests) == f.unwell {
		clear(f.answers)
		f.answers[getGuest] = 404
	}
	if code := f.answers[what]; code != 0 {
		w.WriteHeader(code)
	}
	body, ok := f.bodies[what]
	if !ok {
		body = "{}"
	}
	io.WriteString(w, body)
}

const (
	getOperator = "GET /api/operator-policies/%2F"
	putOperator = "PUT /api/operator-policies/%2F/" + operatorName
	getGuest    = "GET /api/users/guest"
	ownPolicy   = `[{"vhost":"/","name":"` + operatorName + `","pattern":".*","apply-to":"classic_queues","definition":{"queue-version":2},"priority":0}]`
)

// healthyAPI is of a broker that has all that it should have.
func healthyAPI() *fakeAPI {
	return &fakeAPI{
		answers: map[string]int{getGuest: 404},
		bodies:  map[string]string{getOperator: ownPolicy},
	}
}

func fakeBroker(t testing.TB, f *fakeAPI) (engine.Broker, *fakeNode, *control) {
	t.Helper()
	server := httptest.NewUnstartedServer(f)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			f.mu.Lock()
			f.conns++
			f.mu.Unlock()
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	b := testBroker("4.2", "mq.m7g.large", catalog.SingleInstance)
	b.Root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	for i, p := range b.Nodes[0].Ports {
		if p.Name == console {
			b.Nodes[0].Ports[i].Public = at
		}
	}
	node := &fakeNode{done: make(chan struct{}), output: map[string]string{
		"rabbitmqctl --quiet --formatter json list_users": `[{"user":"owner","tags":["administrator"]}]`,
	}}
	return b, node, controlOf(t, b, node)
}

func controlOf(t testing.TB, b engine.Broker, node *fakeNode) *control {
	t.Helper()
	return controlOver(t, b, []driver.Instance{node}, "4.2.1")
}

func controlOver(t testing.TB, b engine.Broker, nodes []driver.Instance, running string) *control {
	t.Helper()
	c, err := (Engine{}).Control(b, nodes, driver.Software{Version: running})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	c.(*control).probeEvery = time.Millisecond
	c.(*control).api.client.Transport.(*http.Transport).TLSClientConfig.ServerName = "example.com" // as httptest's certificate
	return c.(*control)
}

func TestReadyWaitsForTheHealthEndpoint(t *testing.T) {
	f := healthyAPI()
	const check = "GET /api/health/checks/protocol-listener/amqps"
	f.answers[check], f.unwell = 503, 3
	_, _, c := fakeBroker(t, f)
	if err := c.Ready(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{check, "GET /api/health/checks/virtual-hosts", "GET /api/health/checks/local-alarms"} {
		if !slices.Contains(f.requests, want) {
			t.Errorf("%s was not asked for", want)
		}
	}
}

func TestReadyGivesUpWhenTheNodeIsOver(t *testing.T) {
	f := healthyAPI()
	f.answers["GET /api/health/checks/protocol-listener/amqps"] = 503
	_, node, c := fakeBroker(t, f)
	node.err = errors.New("its last words")
	close(node.done)
	if err := c.Ready(t.Context(), 0); fault.Of(err) != fault.Unavailable || !strings.Contains(err.Error(), "its last words") {
		t.Errorf("got %v", err)
	}
	b, _, _ := fakeBroker(t, f)
	b.Users = nil // so that a command has to be waited for
	node.block = true
	if err := controlOf(t, b, node).Ready(t.Context(), 0); fault.Of(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	node.done = make(chan struct{})
	if err := controlOf(t, b, node).Ready(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestAlarmsKeepNewBrokersFromBeingReady(t *testing.T) {
	f := healthyAPI()
	f.answers["GET /api/health/checks/local-alarms"] = 503
	f.bodies["GET /api/health/checks/local-alarms"] = `{"status":"failed","reason":"There are alarms in effect on the node","alarms":[{"node":"n","resource":"memory"},{"node":"n","resource":"disk space"},{"node":"n","resource":"memory"}]}`
	b, node, c := fakeBroker(t, f)
	if err := c.Ready(t.Context(), 0); fault.Of(err) != fault.Unavailable {
		t.Errorf("a new broker with an alarm: %v", err)
	}
	b.Served = true
	if err := controlOf(t, b, node).Ready(t.Context(), 0); err != nil {
		t.Errorf("one that has served: %v", err)
	}
}

// Its owner may change the password or delete the first user.
func TestWithoutALoginCommandsDo(t *testing.T) {
	f := healthyAPI()
	for what := range map[string]bool{"GET /api/health/checks/protocol-listener/amqps": true, getOperator: true} {
		f.answers[what] = 401
	}
	_, node, c := fakeBroker(t, f)
	node.output["rabbitmqctl --quiet --formatter json list_users"] = `[{"user":"guest","tags":[]}]`
	if err := c.Ready(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"rabbitmqctl await_startup",
		"rabbitmqctl --quiet --formatter json list_users",
		"rabbitmqctl --quiet delete_user -- guest",
		"rabbitmqctl eval",
	}
	if !slices.Equal(node.commands, want) {
		t.Errorf("commands %q", node.commands)
	}
	for range byCommand - 1 {
		if _, err := c.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(node.commands) != len(want) {
		t.Errorf("commands each time: %q", node.commands)
	}
	if c.Reconcile(t.Context()); len(node.commands) == len(want) {
		t.Error("no commands after a long time")
	}
}

func TestReconcileIsCheapWhenThereIsNothingToDo(t *testing.T) {
	f := healthyAPI()
	_, node, c := fakeBroker(t, f)
	for range 10 {
		if changed, err := c.Reconcile(t.Context()); err != nil || changed != nil {
			t.Fatalf("%v, %v", changed, err)
		}
	}
	if len(f.requests) != 20 || f.conns != 1 || len(node.commands) != 0 {
		t.Errorf("%d requests over %d connections, commands %q", len(f.requests), f.conns, node.commands)
	}
}

func TestReconcileRestores(t *testing.T) {
	for name, c := range map[string]struct {
		operator string // of the API
		put      int
		guest    int
		changed  int
		commands int
	}{
		"gone":            {"[]", 201, 404, 1, 0},
		"changed":         {strings.Replace(ownPolicy, `"queue-version":2`, `"queue-version":1`, 1), 204, 404, 1, 0},
		"another beside":  {`[{"name":"of the owner","pattern":".*","definition":{}},` + ownPolicy[1:], 204, 404, 0, 0},
		"restricted":      {"[]", 405, 404, 1, 1},
		"guest was made":  {ownPolicy, 204, 200, 1, 0},
		"both":            {"[]", 201, 200, 2, 0},
		"nothing is left": {"[]", 201, 404, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthyAPI()
			f.bodies[getOperator], f.answers[putOperator], f.answers[getGuest] = c.operator, c.put, c.guest
			_, node, ctl := fakeBroker(t, f)
			changed, err := ctl.Reconcile(t.Context())
			if err != nil || len(changed) != c.changed || len(node.commands) != c.commands {
				t.Errorf("changed %q, %v, commands %q", changed, err, node.commands)
			}
			if deleted := slices.Contains(f.requests, "DELETE /api/users/guest"); deleted != (c.guest == 200) {
				t.Errorf("guest deleted: %v", deleted)
			}
		})
	}
}

func TestABrokerWithoutItsVirtualHost(t *testing.T) {
	f := healthyAPI()
	f.answers[getOperator] = 404
	_, _, c := fakeBroker(t, f)
	if changed, err := c.Reconcile(t.Context()); err != nil || changed != nil {
		t.Errorf("%v, %v", changed, err)
	}
}

var term = regexp.MustCompile(`^rabbit_definitions:import_raw\(base64:decode\("([A-Za-z0-9+/=]+)"\)\)\.\n$`)

// What is hostile in names is base64 when a command sees it, and passwords are hashes.
func TestUsersGoThroughStdin(t *testing.T) {
	_, node, c := fakeBroker(t, healthyAPI())
	u := broker.User{Name: "a\").\nhalt().%", Password: "correct horse battery", Groups: []string{"administrator", "team", "administrator"}, ConsoleAccess: true}
	for _, change := range []broker.Change{broker.Create, broker.Update} {
		if err := c.User(t.Context(), u, change); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(node.commands, []string{"rabbitmqctl eval", "rabbitmqctl eval"}) || node.stdin[0] == node.stdin[1] {
		t.Errorf("commands %q, stdin %q", node.commands, node.stdin)
	}
	m := term.FindStringSubmatch(node.stdin[0])
	if m == nil {
		t.Fatalf("stdin %q", node.stdin[0])
	}
	b, _ := base64.StdEncoding.DecodeString(m[1])
	var d definitions
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if got := d.Users[0]; got.Name != u.Name || !slices.Equal(got.Tags, []string{"administrator"}) || strings.Contains(string(b), "horse") {
		t.Errorf("definitions %s", b)
	}
	if err := c.User(t.Context(), broker.User{Name: "-x"}, broker.Delete); err != nil || node.commands[2] != "rabbitmqctl --quiet delete_user -- -x" {
		t.Errorf("%q, %v", node.commands, err)
	}
	if err := c.User(t.Context(), broker.User{Name: "guest", Password: "x"}, broker.Create); fault.Of(err) != fault.Invalid {
		t.Errorf("guest: %v", err)
	}
	if err := c.User(t.Context(), broker.User{Name: "x"}, broker.Create); fault.Of(err) != fault.Missing {
		t.Errorf("no password: %v", err)
	}
	node.output["rabbitmqctl eval"] = `{error,<<"kI3GCqW5">>}`
	if err := c.User(t.Context(), u, broker.Create); fault.Of(err) != fault.Unavailable || strings.Contains(err.Error(), "kI3G") {
		t.Errorf("refused: %v", err)
	}
}
