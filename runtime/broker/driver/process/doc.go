// Package process runs nodes of brokers as processes of software that is installed on
// the machine.
//
// A node has a folder of its own below the data folder, brokers/NODE, which holds all of
// it, and a session of its own, so that it outlives the runtime: nothing ties the two
// together but the file node.json, by which a later runtime finds and adopts it. Its
// output goes to a file, since a pipe would break with the runtime.
//
// On Linux, processes are also known by a variable of their environment, by which those
// are found that have left their group. Elsewhere such are left alone.
package process

import (
	"log/slog"
)

// Config says where nodes run.
type Config struct {
	Data string       // the runtime's data folder
	Log  *slog.Logger // nil for slog.Default

	// Folders are where programs are looked for instead of the usual places; nil for
	// these.
	Folders []string
}
