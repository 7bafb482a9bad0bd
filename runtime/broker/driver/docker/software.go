package docker

import (
	"regexp"
	"strings"

	"millrace/runtime/fault"
)

// An engine is what has to be known of one to run it in its image.
type engine struct {
	image string // the usual name; {version} stands for the version of the catalogue
	user  string // that the software runs as, where the image starts as root
	home  string // where the image keeps all data

	version string   // the variable of the image that has the software's version
	ask     []string // what prints it, for images without the variable
}

// engines are those that can be run, by their names.
var engines = map[string]engine{
	// The official image: https://hub.docker.com/_/rabbitmq
	"rabbitmq": {
		image:   "rabbitmq:{version}-management",
		user:    "rabbitmq",
		home:    "/var/lib/rabbitmq",
		version: "RABBITMQ_VERSION",
		ask:     []string{"rabbitmqctl", "version"},
	},
}

var catalogVersion = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,4}){0,3}$`)

// imageName is the image that runs an engine at a version of the catalogue.
func (d *Driver) imageName(name, version string) (engine, string, error) {
	e, ok := engines[name]
	if !ok {
		return e, "", fault.New(fault.NotFound, "Millrace does not run %.40q in Docker", name)
	}
	if !catalogVersion.MatchString(version) {
		return e, "", fault.New(fault.Invalid, "%.40q is not a version", version)
	}
	pattern := e.image
	if p := d.cfg.Images[name]; p != "" {
		pattern = p
	}
	return e, strings.ReplaceAll(pattern, "{version}", version), nil
}
