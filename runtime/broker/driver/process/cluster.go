//go:build linux || darwin

package process

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
	"millrace/runtime/store/atomicfile"
)

const (
	clusterSuffix = ".cluster" // of folders; no node has a name with a dot
	clusterFile   = "cluster.json"
)

// A clusterFolder holds what the members of a cluster share: the record of their
// companion, and its output. It stands beside their folders, and is there for as long
// as one of these is.
type clusterFolder struct{ folder }

// A clusterRecord is what a later runtime has to know of a cluster. It also marks the
// folder as ours.
type clusterRecord struct {
	Members   []string
	Companion ident
	Command   []string `json:",omitempty"` // that Companion was started with
}

// clusterFolder is the one of a cluster, which is named after its first member.
func (d *Driver) clusterFolder(members []string) clusterFolder {
	return clusterFolder{folder(filepath.Join(d.root, members[0]+clusterSuffix))}
}

// read returns the record of a cluster; fs.ErrNotExist when it has none.
func (c clusterFolder) read() (clusterRecord, error) {
	var r clusterRecord
	b, err := os.ReadFile(c.path(clusterFile))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil || len(r.Members) == 0 {
		return r, fault.New(fault.Unavailable, "%s cannot be read: remove the folder if no broker runs in it", c.path(clusterFile))
	}
	return r, nil
}

func (c clusterFolder) write(r clusterRecord) error {
	b, err := json.Marshal(r)
	if err == nil {
		err = atomicfile.Write(c.path(clusterFile), b)
	}
	return fault.Wrap(fault.Unavailable, err, "writing %s", c.path(clusterFile))
}

// claim makes the folder, or takes the one that is there, when it is a cluster's or empty.
func (c clusterFolder) claim(members []string) (clusterRecord, error) {
	r, err := c.read()
	if err == nil {
		r.Members = members
		return r, nil
	}
	if !os.IsNotExist(err) {
		return r, err
	}
	if err := c.makeEmpty(); err != nil {
		return r, err
	}
	r = clusterRecord{Members: members}
	return r, c.write(r)
}

// remove removes the folder of a cluster in which nothing runs.
func (c clusterFolder) remove() error {
	if err := errors.Join(c.emptyBut(clusterFile), os.RemoveAll(string(c.folder))); err != nil {
		return fault.Wrap(fault.Unavailable, err, "removing %s", string(c.folder))
	}
	os.Remove(filepath.Dir(string(c.folder))) // when it was the last one
	return nil
}

// A cluster is one that is here: its folder, and what that says.
type cluster struct {
	clusterFolder
	record clusterRecord
}

// clusters are all that are here. What is not ours is passed over.
func (d *Driver) clusters() (all []cluster, err error) {
	entries, err := os.ReadDir(d.root)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "listing brokers")
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasSuffix(e.Name(), clusterSuffix) {
			continue
		}
		c := cluster{clusterFolder: clusterFolder{folder(filepath.Join(d.root, e.Name()))}}
		if c.record, err = c.read(); err == nil {
			all = append(all, c)
		}
	}
	return all, nil
}

// leave is called when a member of a cluster has ended or is removed: with the last one
// that runs the companion ends, with the last one that is here the cluster's folder goes.
// Of a node that is alone it does nothing.
func (d *Driver) leave(node string) error {
	d.sharing.Lock()
	defer d.sharing.Unlock()
	return d.leaveLocked(node)
}

func (d *Driver) leaveLocked(node string) error {
	all, err := d.clusters()
	for _, c := range all {
		if !slices.Contains(c.record.Members, node) || slices.ContainsFunc(c.record.Members, d.runs) {
			continue
		}
		err = errors.Join(err, d.endCompanion(c))
		if !slices.ContainsFunc(c.record.Members, d.isHere) {
			err = errors.Join(err, c.remove())
		}
	}
	return err
}

// runs reports whether a node runs, watched or not.
func (d *Driver) runs(node string) bool {
	d.mu.Lock()
	watched := d.nodes[node] != nil
	d.mu.Unlock()
	if watched {
		return true
	}
	f := d.folder(node)
	r, err := f.read()
	if err != nil {
		return false
	}
	p := r.Main.open(f)
	if p != nil {
		p.close()
	}
	return p != nil
}

// isHere reports whether a node has a folder.
func (d *Driver) isHere(node string) bool {
	_, err := d.folder(node).read()
	return !os.IsNotExist(err)
}

// leftovers are what clusters share that no member needs anymore: a companion while no
// member runs, a folder when none is here. It counts as the first member's.
func (d *Driver) leftovers() (states []driver.State, err error) {
	all, err := d.clusters()
	for _, c := range all {
		if slices.ContainsFunc(c.record.Members, d.runs) {
			continue
		}
		s := driver.State{Node: c.record.Members[0], Where: string(c.folder)}
		if p := c.record.Companion.open(c.folder); p != nil {
			s.Running, s.Where = true, p.String()+" in "+string(c.folder)
			p.close()
		}
		if s.Running || !slices.ContainsFunc(c.record.Members, d.isHere) {
			states = append(states, s)
		}
	}
	return states, err
}
