package brokertest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"millrace/runtime/broker/driver"
)

// An Engine is what the kit runs as a node.
type Engine struct {
	Name   string // "rabbitmq"
	Ports  func() []driver.Port
	Render func(driver.Place) (driver.Launch, error)

	// RenderMember is Render for a member of a cluster, of that name.
	RenderMember func(name string) func(driver.Place) (driver.Launch, error)

	// Reaches has a node connect to other members, as members do: by their names, at the
	// hosts where it sees them.
	Reaches func(ctx context.Context, i driver.Instance, others map[string]string) error

	// Serves asks the node at the first of its ports whether it serves.
	Serves func(at netip.AddrPort) error

	// Says is what a node prints, once, at each start.
	Says string

	// Keep puts something into the data of a node that runs, ready or not, under a name,
	// and Kept reports whether it is there.
	Keep func(ctx context.Context, i driver.Instance, name string) error
	Kept func(ctx context.Context, i driver.Instance, name string) (bool, error)

	// Broken changes a launch to one that dies while it boots, and says so.
	Broken func(driver.Place, *driver.Launch)
}

// RabbitMQ is a RabbitMQ that is as bare as can be: a port for AMQP, one for other nodes,
// one for the port mapper.
func RabbitMQ() Engine {
	return Engine{
		Name: "rabbitmq",
		Ports: func() []driver.Port {
			return []driver.Port{{Name: "amqp", Inside: 5672}, {Name: "epmd", Inside: 4369, Private: true}, {Name: "dist", Inside: 25672, Private: true}}
		},
		Render: func(p driver.Place) (driver.Launch, error) { return renderRabbitMQ("kit", p) },
		RenderMember: func(name string) func(driver.Place) (driver.Launch, error) {
			return func(p driver.Place) (driver.Launch, error) { return renderRabbitMQ(name, p) }
		},
		Reaches: reachesRabbitMQ,
		Serves:  servesAMQP,
		Says:    "Server startup complete",
		Keep: func(ctx context.Context, i driver.Instance, name string) error {
			_, err := i.Exec(ctx, nil, "/bin/sh", "-c", `: >"$RABBITMQ_MNESIA_BASE/kept-$0"`, name)
			return err
		},
		Kept: func(ctx context.Context, i driver.Instance, name string) (bool, error) {
			out, err := i.Exec(ctx, nil, "/bin/sh", "-c", `if [ -f "$RABBITMQ_MNESIA_BASE/kept-$0" ]; then echo kept; fi`, name)
			return strings.TrimSpace(string(out)) == "kept", err
		},
		Broken: func(p driver.Place, l *driver.Launch) {
			for i := range l.Files {
				if l.Files[i].Path == path.Join(p.Config, "rabbitmq.conf") {
					l.Files[i].Contents = []byte("listeners.tcp.1 = this is no address\n")
				}
			}
		},
	}
}

// reachesRabbitMQ has a node connect to others, as Erlang does.
func reachesRabbitMQ(ctx context.Context, i driver.Instance, others map[string]string) error {
	var pings []string
	for name, host := range others {
		pings = append(pings, fmt.Sprintf("pong = net_adm:ping('%s@%s')", name, host))
	}
	_, err := i.Exec(ctx, nil, "rabbitmqctl", "eval", strings.Join(pings, ", ")+".")
	return err
}

func renderRabbitMQ(name string, p driver.Place) (driver.Launch, error) {
	amqp, epmd, dist := p.Listen["amqp"], p.Listen["epmd"], p.Listen["dist"]
	only := fmt.Sprintf("-kernel inet_dist_use_interface {%s}", strings.ReplaceAll(dist.Addr().String(), ".", ","))
	file := func(folder, name, contents string, mode fs.FileMode) driver.File {
		return driver.File{Path: path.Join(folder, name), Contents: []byte(contents), Mode: mode}
	}
	l := driver.Launch{
		Files: []driver.File{
			file(p.Config, "rabbitmq.conf", fmt.Sprintf("listeners.tcp.1 = %s\n", amqp), 0o400),
			file(p.Config, "enabled_plugins", "[].\n", 0o600),
			file(p.Home, ".erlang.cookie", "THECOOKIEOFTHEKIT", 0o400),
		},
		Env: []string{
			"HOME=" + p.Home,
			"ERL_EPMD_PORT=" + strconv.Itoa(int(epmd.Port())),
			"RABBITMQ_NODENAME=" + name + "@" + p.Host, "RABBITMQ_DIST_PORT=" + strconv.Itoa(int(dist.Port())),
			"RABBITMQ_MNESIA_BASE=" + p.Data, "RABBITMQ_LOG_BASE=" + p.Logs, "RABBITMQ_LOGS=-",
			"RABBITMQ_CONFIG_FILE=" + path.Join(p.Config, "rabbitmq.conf"),
			"RABBITMQ_ADVANCED_CONFIG_FILE=" + path.Join(p.Config, "advanced.config"),
			"RABBITMQ_CONF_ENV_FILE=" + path.Join(p.Config, "none"),
			"RABBITMQ_ENABLED_PLUGINS_FILE=" + path.Join(p.Config, "enabled_plugins"),
			"RABBITMQ_PLUGINS_EXPAND_DIR=" + path.Join(p.Data, "plugins"),
			"RABBITMQ_PID_FILE=" + path.Join(p.Data, "pid"),
			"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=" + only,
			"RABBITMQ_CTL_ERL_ARGS=" + only,
			"ERL_CRASH_DUMP_SECONDS=0",
		},
	}
	if !epmd.Addr().IsUnspecified() { // epmd takes loopback beside it, and would find that taken
		l.Env = append(l.Env, "ERL_EPMD_ADDRESS="+epmd.Addr().String())
	}
	if server := p.Software.Programs["rabbitmq-server"]; server != "" {
		l.Command = []string{server}
		l.Companion = []string{p.Software.Programs["epmd"], "-address", epmd.Addr().String(), "-port", strconv.Itoa(int(epmd.Port()))}
	}
	return l, nil
}

// servesAMQP begins a connection of AMQP 0-9-1, as far as the server's first answer:
// what publishes a container's port takes connections before anything listens there.
func servesAMQP(at netip.AddrPort) error {
	c, err := net.DialTimeout("tcp", at.String(), time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "AMQP\x00\x00\x09\x01"); err != nil {
		return err
	}
	var frame [11]byte // a method frame on channel 0, connection.start
	if _, err := io.ReadFull(c, frame[:]); err != nil {
		return err
	}
	if frame[0] != 1 || frame[8] != 10 || frame[10] != 10 {
		return fmt.Errorf("not connection.start: % x", frame)
	}
	return nil
}

// FreePorts gives ports public addresses on the loopback that are free now, outside the
// range from which systems take ports for connections.
func FreePorts(t testing.TB, ports []driver.Port) []driver.Port {
	t.Helper()
	for i := range ports {
		ports[i].Public = freePort(t)
	}
	return ports
}
