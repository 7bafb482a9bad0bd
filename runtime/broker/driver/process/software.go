package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// An engine is what has to be known of one to find it where it is installed.
type engine struct {
	server  string   // the program that becomes the broker
	folders []string // where it usually is; {NAME} stands for a variable of the environment

	needs []string // other programs, which lie beside it or in the path
	helps []string // more of them, which may be missing

	// version is a pattern of the path, from the folder above the server's, that names
	// the version; its * is the version.
	version string

	notifies bool // it says READY=1 to NOTIFY_SOCKET
	install  string
}

// engines are those that can be run, by their names.
var engines = map[string]engine{
	"rabbitmq": {
		server: "rabbitmq-server",
		folders: []string{
			"{RABBITMQ_HOME}/sbin", "{RABBITMQ_HOME}/bin",
			"/usr/lib/rabbitmq/bin", // not Debian's /usr/sbin, whose program changes its user
			"/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin",
			"/opt/rabbitmq/sbin", "/usr/local/lib/rabbitmq/bin",
		},
		needs:    []string{"rabbitmqctl", "epmd"},
		helps:    []string{"rabbitmq-plugins", "rabbitmq-diagnostics"},
		version:  "plugins/rabbit-*",
		notifies: true,
		install:  "RabbitMQ is not installed: apt-get install rabbitmq-server, brew install rabbitmq, or set RABBITMQ_HOME to where it is",
	},
}

// find looks for an engine. Nothing is started for it. A fault.NotFound says what to
// install. Folders that are not nil replace the usual ones, and the path.
func find(name string, folders []string) (driver.Software, error) {
	e, ok := engines[name]
	if !ok {
		return driver.Software{}, fault.New(fault.NotFound, "Millrace does not run %.40q as a process", name)
	}
	search := folders
	if folders == nil {
		for _, f := range e.folders {
			if f = expand(f); f != "" {
				search = append(search, f)
			}
		}
		if p, err := exec.LookPath(e.server); err == nil {
			search = append(search, filepath.Dir(p))
		}
	}
	why := e.install
	for _, folder := range search {
		server := filepath.Join(folder, e.server)
		if !executable(server) {
			continue
		}
		version := installedVersion(server, e.version)
		if version == "" {
			continue // a wrapper, or not the engine
		}
		s := driver.Software{Engine: name, Version: version, Source: folder, Programs: map[string]string{e.server: server}}
		if missing := e.programs(folder, s.Programs); missing != "" {
			why = server + " is there, but " + missing + " is not: install it, or add it to the PATH"
			continue
		}
		return s, nil
	}
	return driver.Software{}, fault.New(fault.NotFound, "%s", why)
}

// expand fills in a variable; "" when it is not set.
func expand(folder string) string {
	name, rest, ok := strings.Cut(strings.TrimPrefix(folder, "{"), "}")
	if !ok || !strings.HasPrefix(folder, "{") {
		return folder
	}
	value := os.Getenv(name)
	if !filepath.IsAbs(value) {
		return ""
	}
	return value + rest
}

// programs finds the engine's other programs, and returns the name of a missing one.
func (e engine) programs(folder string, found map[string]string) (missing string) {
	for i, name := range append(append([]string(nil), e.needs...), e.helps...) {
		p := filepath.Join(folder, name)
		if !executable(p) {
			p, _ = exec.LookPath(name)
			for _, usual := range []string{"/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/lib/erlang/bin"} {
				if p == "" && executable(filepath.Join(usual, name)) {
					p = filepath.Join(usual, name)
				}
			}
		}
		if p, err := filepath.Abs(p); p != "" && err == nil && executable(p) {
			found[name] = p
		} else if i < len(e.needs) {
			return name
		}
	}
	return ""
}

func executable(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

var versionNumber = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+[-.+0-9A-Za-z]*$`)

// installedVersion reads an engine's version from the names of its folders.
func installedVersion(server, pattern string) string {
	real, err := filepath.EvalSymlinks(server)
	if err != nil {
		return ""
	}
	pattern = filepath.Join(filepath.Dir(filepath.Dir(real)), filepath.FromSlash(pattern))
	found, _ := filepath.Glob(pattern)
	before, _, _ := strings.Cut(pattern, "*")
	for _, f := range found {
		if v := strings.TrimSuffix(strings.TrimPrefix(f, before), ".ez"); versionNumber.MatchString(v) {
			return v
		}
	}
	return ""
}
