//go:build linux || darwin

package process

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
	"millrace/runtime/store/atomicfile"
)

const recordFile = "node.json"

// A folder is that of a node, which holds all of it.
type folder string

// A record is what a later runtime has to know of a node. It also marks the folder
// as ours.
type record struct {
	Node      string
	Launch    string `json:",omitempty"` // the hash of what Main was started with
	Main      ident
	Companion ident
	Socket    string `json:",omitempty"` // folder of the notify socket, when it is elsewhere
	Output    int64  // where the output of Main begins
}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// read returns the record of a node; fs.ErrNotExist when it has none.
func (f folder) read() (record, error) {
	var r record
	if info, err := os.Lstat(string(f)); err != nil {
		return r, err
	} else if !info.IsDir() {
		return r, os.ErrNotExist
	}
	b, err := os.ReadFile(f.path(recordFile))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fault.Wrap(fault.Unavailable, err, "%s cannot be read: remove the folder if no broker runs in it", f.path(recordFile))
	}
	return r, nil
}

func (f folder) write(r record) error {
	b, err := json.Marshal(r)
	if err == nil {
		err = atomicfile.Write(f.path(recordFile), b)
	}
	return fault.Wrap(fault.Unavailable, err, "writing %s", f.path(recordFile))
}

// claim makes the folder, or takes the one that is there, when it is a node's or empty.
func (f folder) claim(node string) (record, error) {
	r, err := f.read()
	if err == nil && r.Node == node {
		return r, nil
	}
	if err != nil && !os.IsNotExist(err) {
		return r, err
	}
	if err := f.makeEmpty(); err != nil {
		return r, err
	}
	r = record{Node: node}
	return r, f.write(r)
}

// makeEmpty makes the folder. One that is there must be empty.
func (f folder) makeEmpty() error {
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "making the folder of brokers")
	}
	if err := os.Mkdir(string(f), 0o700); err != nil && !os.IsExist(err) {
		return fault.Wrap(fault.Unavailable, err, "making the folder of a broker")
	}
	info, err := os.Lstat(string(f))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "making the folder of a broker")
	}
	entries, err := os.ReadDir(string(f))
	if !info.IsDir() || err != nil || len(entries) > 0 {
		return fault.New(fault.Conflict, "%s is there and was not made by Millrace: remove or rename it", string(f))
	}
	return nil
}

// place is the node's place, in which its software listens where clients reach it.
func (f folder) place(n driver.Node, s driver.Software) driver.Place {
	p := driver.Place{
		Config: f.path("config"), Data: f.path("data"), Logs: f.path("logs"), Home: f.path("home"),
		Host: "localhost", Listen: map[string]netAddr{}, Software: s,
	}
	for _, port := range n.Ports {
		p.Listen[port.Name] = port.Public
	}
	if n.Members != nil { // all on this machine
		p.Hosts = map[string]string{}
		for _, m := range n.Members {
			p.Hosts[m] = p.Host
		}
	}
	return p
}

// writeFiles makes the folders of a place and writes its files. Links that the
// software may have left lead nowhere outside.
func (f folder) writeFiles(p driver.Place, files []driver.File) error {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return err
	}
	defer root.Close()
	inside := func(name string) string { return strings.TrimPrefix(name, string(f)+"/") }
	// What earlier starts have written there counts no more.
	if err := root.RemoveAll(inside(p.Config)); err != nil {
		return err
	}
	for _, dir := range []string{p.Config, p.Data, p.Logs, p.Home} {
		if err := root.MkdirAll(inside(dir), 0o700); err != nil {
			return err
		}
	}
	for _, file := range files {
		if err := writeFile(root, inside(file.Path), file); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(root *os.Root, name string, file driver.File) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	// A file that is there may not be written to by its mode.
	if err := root.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	w, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(file.Contents)
	return errors.Join(err, w.Chmod(file.Mode.Perm()), w.Close())
}

// sweep ends what a node that does not run has left running, and removes what it has
// left elsewhere.
func (f folder) sweep(r record) error {
	if p := r.Companion.open(f); p != nil {
		p.end()
	}
	killMarked(string(f))
	if r.Socket != "" {
		return os.RemoveAll(r.Socket)
	}
	return nil
}

// remove removes the folder of a node that does not run. One that is not ours stays.
func (f folder) remove(node string) error {
	r, err := f.read()
	if os.IsNotExist(err) {
		os.Remove(string(f)) // when it is empty: a start ended before it was marked
		return nil
	}
	if err != nil {
		return err
	}
	if r.Node != node {
		return nil
	}
	if err := f.sweep(r); err != nil {
		return fault.Wrap(fault.Unavailable, err, "removing %s", string(f))
	}
	// What is just ending may write for a moment yet.
	for try := 0; ; try++ {
		if err = f.emptyBut(recordFile); err == nil {
			err = os.RemoveAll(string(f))
		}
		if err == nil || try == 20 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "removing %s", string(f))
	}
	os.Remove(filepath.Dir(string(f))) // when it was the last one
	return nil
}

// emptyBut removes all but the record from the folder: while anything is left, the folder
// stays marked as ours, for whoever goes on after a kill in between.
func (f folder) emptyBut(record string) error {
	entries, err := os.ReadDir(string(f))
	for _, e := range entries {
		if e.Name() != record {
			err = errors.Join(err, os.RemoveAll(f.path(e.Name())))
		}
	}
	return err
}
