package docker

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"millrace/runtime/fault"
	"millrace/runtime/store/atomicfile"
)

// File is what the driver keeps in the data folder for as long as an engine may have
// something of it: the engine's address.
const File = "docker"

// UsedBy returns the address of the engine that may have nodes of a data folder, whether
// it can be reached or not; "" when there is none.
func UsedBy(data string) (host string, err error) {
	b, err := os.ReadFile(filepath.Join(data, File))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

// mark says in the data folder that the engine has something of it. The caller holds
// d.marking until that is so.
func (d *Driver) mark() error {
	host := d.client.DaemonHost()
	if old, err := UsedBy(d.cfg.Data); err == nil && old == host {
		return nil
	}
	if err := os.MkdirAll(d.cfg.Data, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "making the data folder")
	}
	return fault.Wrap(fault.Unavailable, atomicfile.Write(filepath.Join(d.cfg.Data, File), []byte(host+"\n")), "writing where brokers run")
}
