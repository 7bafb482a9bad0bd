//go:build linux || darwin

package process

import (
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// A companion is the one that the members of a cluster share: a process that is
// watched, and started anew when it dies while a member runs.
type companion struct {
	folder  clusterFolder
	members []string
	command []string
	env     []string
	ports   []driver.Port // that it serves

	main   *proc
	began  time.Time
	ending atomic.Bool
	over   chan struct{} // closed when main has ended
}

// restartEach is the pause between attempts to start a companion that does not come up.
const restartEach = time.Second

// shared are the ports of a member that the companion of its cluster serves.
func shared(n driver.Node, l driver.Launch) (ports []driver.Port) {
	for _, p := range n.Ports {
		if p.Shared && len(l.Companion) > 0 {
			ports = append(ports, p)
		}
	}
	return ports
}

// accompany sees to it that the companion of a member's cluster runs, one for all: it
// finds the one that runs, adopts one that an earlier runtime has left, or starts one.
// The caller holds d.sharing.
func (d *Driver) accompany(n driver.Node, l driver.Launch, env []string) error {
	if c := d.companionOf(n, l, env); c != nil {
		return d.companionRuns(c)
	}
	return nil
}

// companionOf is the one that a member needs, which does not run yet; nil for none.
func (d *Driver) companionOf(n driver.Node, l driver.Launch, env []string) *companion {
	ports := shared(n, l)
	if len(ports) == 0 {
		return nil
	}
	f := d.clusterFolder(n.Members)
	c := &companion{folder: f, members: n.Members, command: l.Companion, env: marked(env, f.folder), ports: ports, over: make(chan struct{})}
	close(c.over)
	return c
}

// accompanyAdopted is accompany for a member that runs already. When the companion cannot
// be started, such as while somebody else listens at its port, it is tried again until it is.
func (d *Driver) accompanyAdopted(n driver.Node, l driver.Launch, env []string) {
	d.sharing.Lock()
	defer d.sharing.Unlock()
	err := d.accompany(n, l, env)
	if err == nil {
		return
	}
	d.log.Warn("what the members of a cluster share does not run", "node", n.Name, "err", err)
	c := d.companionOf(n, l, env)
	d.companions[string(c.folder.folder)] = c
	d.watchers.Go(func() {
		for !d.closing.wait(restartEach) && !d.replace(c) {
		}
	})
}

// companionRuns is accompany for a companion that is known already.
func (d *Driver) companionRuns(c *companion) error {
	if old := d.companions[string(c.folder.folder)]; old != nil && !closed(old.over) {
		if slices.Equal(old.command, c.command) {
			return nil
		}
		if err := old.end(); err != nil {
			return err
		}
	}
	r, err := c.folder.claim(c.members)
	if err != nil {
		return err
	}
	if p := r.Companion.open(c.folder.folder); p != nil {
		if slices.Equal(r.Command, c.command) {
			d.watchCompanion(c, p)
			return nil
		}
		p.end()
	}
	killMarked(string(c.folder.folder)) // one that was started just before the runtime was killed
	if err := d.startCompanion(c); err != nil {
		return errors.Join(err, c.folder.write(clusterRecord{Members: c.members}))
	}
	return nil
}

func (d *Driver) startCompanion(c *companion) error {
	for _, p := range c.ports {
		err := free([]driver.Port{p})
		// RabbitMQ starts a port mapper by itself when it misses that, which would end with
		// the member that has started it.
		if fault.Of(err) == fault.Conflict && d.endListener(p.Public, c.members) {
			err = free([]driver.Port{p})
		}
		if err != nil {
			return err
		}
	}
	out, _, err := c.folder.output()
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "opening the output of what a cluster shares")
	}
	defer out.Close()
	p, err := fork(c.folder.folder, out, c.env, c.command)
	if err != nil {
		return err
	}
	if err := c.folder.write(clusterRecord{Members: c.members, Companion: p.ident, Command: c.command}); err != nil {
		p.end()
		return err
	}
	d.watchCompanion(c, p)
	return nil
}

// endListener ends what listens at an address when a member has started it.
func (d *Driver) endListener(at netAddr, members []string) bool {
	var folders []string
	for _, m := range members {
		folders = append(folders, string(d.folder(m)))
	}
	return killListener(at, folders)
}

// watchCompanion watches a companion until it or the driver is over.
func (d *Driver) watchCompanion(c *companion, p *proc) {
	c.main, c.began, c.over = p, time.Now(), make(chan struct{})
	d.companions[string(c.folder.folder)] = c
	d.watchers.Go(func() { d.watchShared(c) })
}

func (d *Driver) watchShared(c *companion) {
	exited := c.main.wait(d.closing, checkOutput)
	for !exited && !d.closing.happened() {
		if err := c.folder.boundOutput(); err != nil {
			d.log.Warn("the output of what a cluster shares cannot be kept short", "folder", string(c.folder.folder), "err", err)
		}
		exited = c.main.wait(d.closing, checkOutput)
	}
	if !exited {
		c.main.close()
		return
	}
	if c.main.child {
		c.main.signalGroup(syscall.SIGKILL)
	}
	status := c.main.reap()
	c.main.close()
	close(c.over)
	if c.ending.Load() {
		return
	}
	d.log.Warn("what the members of a cluster share has ended; it is started again", "program", c.command[0], "ended", status)
	again := time.Since(c.began) > restartEach || !d.closing.wait(restartEach)
	for again {
		again = !d.replace(c) && !d.closing.wait(restartEach)
	}
}

// replace starts a companion again that has died. It returns false when that has to be
// tried again, and true when nobody needs it anymore, or somebody was faster.
func (d *Driver) replace(dead *companion) bool {
	d.sharing.Lock()
	defer d.sharing.Unlock()
	if d.closing.happened() || d.companions[string(dead.folder.folder)] != dead || !slices.ContainsFunc(dead.members, d.runs) {
		return true
	}
	next := &companion{folder: dead.folder, members: dead.members, command: dead.command, env: dead.env, ports: dead.ports}
	err := d.startCompanion(next)
	if err != nil {
		d.log.Warn("what the members of a cluster share cannot be started", "program", dead.command[0], "err", err)
	}
	return err == nil
}

// end ends a companion that is watched.
func (c *companion) end() error {
	c.ending.Store(true)
	c.main.signal(syscall.SIGTERM)
	if within(c.over, termTimeout) {
		return nil
	}
	c.main.signal(syscall.SIGKILL)
	if !within(c.over, killTimeout) {
		return fault.New(fault.Timeout, "%s does not end although it was killed", c.main)
	}
	return nil
}

// endCompanion ends the companion of a cluster, watched or not. The caller holds d.sharing.
func (d *Driver) endCompanion(c cluster) error {
	var err error
	if watched := d.companions[string(c.folder)]; watched != nil {
		delete(d.companions, string(c.folder))
		err = watched.end()
	} else if p := c.record.Companion.open(c.folder); p != nil {
		p.end()
	}
	killMarked(string(c.folder))
	return errors.Join(err, c.write(clusterRecord{Members: c.record.Members}))
}

func within(c <-chan struct{}, limit time.Duration) bool {
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-c:
		return true
	case <-late.C:
		return false
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
