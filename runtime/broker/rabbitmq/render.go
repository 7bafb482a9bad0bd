package rabbitmq

import (
	"fmt"
	"path"
	"strings"

	"millrace/runtime/broker/catalog"
	"millrace/runtime/broker/config"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
)

// A renderer says one launch.
type renderer struct {
	engine.Broker
	node     int
	place    driver.Place
	version  version // that runs
	seed     seed
	settings config.Settings
	files    files
	leftOut  []string
}

// files are where RabbitMQ finds what it reads.
type files struct {
	conf, advanced, plugins, definitions string
	root, certificate, key, cookie       string
}

// Render implements engine.Engine.
func (Engine) Render(b engine.Broker, node int, p driver.Place) (engine.Rendered, error) {
	r := &renderer{Broker: b, node: node, place: p}
	var err error
	if r.version, err = parseVersion(p.Software.Version); err != nil {
		return engine.Rendered{}, err
	}
	if r.seed, err = parseSeed(b.Seed); err != nil {
		return engine.Rendered{}, err
	}
	if r.settings, err = settingsOf(b.Desired); err != nil {
		return engine.Rendered{}, err
	}
	in := func(name string) string { return path.Join(p.Config, name) }
	r.files = files{
		conf: in("rabbitmq.conf"), advanced: in("advanced.config"), plugins: in("enabled_plugins"),
		definitions: in("definitions.json"), root: in("ca.pem"), certificate: in("server.pem"), key: in("server.key"),
		cookie: path.Join(p.Home, ".erlang.cookie"),
	}
	main, advanced, err := r.conf()
	if err != nil {
		return engine.Rendered{}, err
	}
	birth, err := r.birth().json()
	if err != nil {
		return engine.Rendered{}, err
	}
	// Definitions count once, or users that were deleted would come back. In a cluster the
	// first node has them: all nodes boot at once, and would write the same at the same time.
	if b.Served || node > 0 {
		birth = []byte("{}")
	}
	return engine.Rendered{
		Launch: driver.Launch{
			Files: []driver.File{
				{Path: r.files.conf, Contents: main, Mode: 0o600},
				{Path: r.files.advanced, Contents: advanced, Mode: 0o600},
				{Path: r.files.plugins, Contents: r.plugins(), Mode: 0o600},
				{Path: r.files.definitions, Contents: birth, Mode: 0o600, Seed: true},
				{Path: r.files.root, Contents: b.Root, Mode: 0o600},
				{Path: r.files.certificate, Contents: b.TLS.Certificate, Mode: 0o600},
				{Path: r.files.key, Contents: b.TLS.Key, Mode: 0o600},
				{Path: r.files.cookie, Contents: []byte(r.seed.Cookie), Mode: 0o400},
			},
			Env:       r.environment(),
			Command:   program(p, "rabbitmq-server"),
			Companion: r.portMapper(),
		},
		LeftOut: r.leftOut,
	}, nil
}

// four reports that the broker is one of RabbitMQ 4 by the catalogue.
func (r *renderer) four() bool { return catalog.Series(r.Version) != "3" }

func (r *renderer) leaveOut(format string, args ...any) {
	r.leftOut = append(r.leftOut, fmt.Sprintf(format, args...))
}

// knows reports whether the running software knows a key, and notes what is left out
// when it does not: what, or the key.
func (r *renderer) knows(key, what string) bool {
	if r.version.knows(key) {
		return true
	}
	if what == "" {
		what = key
	}
	r.leaveOut("%s", what)
	return false
}

func (r *renderer) listen(port string) string { return r.place.Listen[port].String() }

// plugins are those of Amazon MQ Developer Guide, "Plugins", and no others.
func (r *renderer) plugins() []byte {
	all := []string{
		"rabbitmq_management",
		"rabbitmq_shovel", "rabbitmq_shovel_management",
		"rabbitmq_federation", "rabbitmq_federation_management",
		"rabbitmq_consistent_hash_exchange",
	}
	if r.four() {
		all = append(all, "rabbitmq_jms_topic_exchange")
		r.leaveOut("rabbitmq_prometheus: its metrics are not on the console's port")
	}
	if r.Plain {
		all = append(all, "rabbitmq_mqtt", "rabbitmq_stomp")
	}
	return []byte("[" + strings.Join(all, ",") + "].\n")
}

// environment keeps RabbitMQ to the node's place, whatever else the machine or the image
// has configured.
func (r *renderer) environment() []string {
	p := r.place
	env := []string{
		"RABBITMQ_NODENAME=" + r.erlangName(r.node),
		"RABBITMQ_CONFIG_FILE=" + r.files.conf,
		"RABBITMQ_CONFIG_FILES=" + path.Join(p.Config, "conf.d", "*.conf"), // the official image has some
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + r.files.advanced,
		"RABBITMQ_CONF_ENV_FILE=" + path.Join(p.Config, "no-rabbitmq-env.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + r.files.plugins,
		"RABBITMQ_MNESIA_BASE=" + p.Data,
		"RABBITMQ_MNESIA_DIR=" + path.Join(p.Data, "mnesia"),
		"RABBITMQ_PLUGINS_EXPAND_DIR=" + path.Join(p.Data, "plugins"),
		"RABBITMQ_PID_FILE=" + path.Join(p.Data, "rabbitmq.pid"),
		"RABBITMQ_LOG_BASE=" + p.Logs,
		"RABBITMQ_LOGS=-",
		"HOME=" + p.Home,
		"LANG=C.UTF-8",
	}
	if at, ok := p.Listen[epmd]; ok {
		env = append(env, fmt.Sprintf("ERL_EPMD_PORT=%d", at.Port()))
		if !at.Addr().IsUnspecified() { // epmd takes loopback beside it, and would find that taken
			env = append(env, "ERL_EPMD_ADDRESS="+at.Addr().String())
		}
	}
	if at, ok := p.Listen[dist]; ok {
		env = append(env, fmt.Sprintf("RABBITMQ_DIST_PORT=%d", at.Port()))
		if at.Addr().Is4() {
			// Else Erlang listens everywhere, also as a command that runs beside the node.
			a := at.Addr().As4()
			only := fmt.Sprintf("-kernel inet_dist_use_interface {%d,%d,%d,%d}", a[0], a[1], a[2], a[3])
			env = append(env, "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+only, "RABBITMQ_CTL_ERL_ARGS="+only)
		}
	}
	return env
}

// erlangName is how RabbitMQ knows a node of the broker.
func (r *renderer) erlangName(node int) string {
	name, host := r.Nodes[node].Name, r.place.Host
	if node != r.node {
		host = r.place.Hosts[name]
	}
	return name + "@" + host
}

// portMapper is Erlang's, of this broker alone: RabbitMQ would start one that outlives it.
func (r *renderer) portMapper() []string {
	at, ok := r.place.Listen[epmd]
	command := program(r.place, "epmd")
	if !ok || command == nil {
		return nil
	}
	return append(command, "-address", at.Addr().String(), "-port", fmt.Sprint(at.Port()))
}

// program is the command of a process; nil in a container, which has its own.
func program(p driver.Place, name string) []string {
	if at := p.Software.Programs[name]; at != "" {
		return []string{at}
	}
	return nil
}
