//go:build linux || darwin

package process

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

type netAddr = netip.AddrPort

// markVariable is the one of all processes of a node; its value is the node's folder.
const markVariable = "MILLRACE_NODE"

// Start implements driver.Driver.
func (d *Driver) Start(ctx context.Context, n driver.Node, s driver.Software) (_ driver.Instance, err error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	e, ok := engines[s.Engine]
	if !ok {
		return nil, fault.New(fault.NotFound, "Millrace does not run %.40q as a process", s.Engine)
	}
	f := d.folder(n.Name)
	place := f.place(n, s)
	launch, err := n.Render(place)
	if err != nil {
		return nil, err
	}
	if err := launch.Validate(place); err != nil {
		return nil, err
	}
	if len(launch.Command) == 0 || !filepath.IsAbs(launch.Command[0]) {
		return nil, fault.New(fault.Invalid, "node %s: there is no command with an absolute path", n.Name)
	}
	env := environment(f, place, s, launch.Env)
	hash := launch.Hash(n, s)

	i, err := d.running(n.Name)
	if err != nil {
		return nil, err
	}
	if i != nil {
		if i.record.Launch == hash {
			d.accompanyAdopted(n, launch, env)
			i.env, i.programs, i.adopted = env, s.Programs, true
			i.setReady()
			return i, nil
		}
		ending, cancel := context.WithTimeout(ctx, stopTimeout)
		err := i.Stop(ending)
		cancel()
		if err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Of(err), err, "starting node %s", n.Name)
	}
	if err := d.room(d.root); err != nil {
		return nil, err
	}
	r, err := f.claim(n.Name)
	if err != nil {
		return nil, err
	}
	if err := f.sweep(r); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "clearing up after node %s", n.Name)
	}
	together := shared(n, launch)
	own := slices.DeleteFunc(slices.Clone(n.Ports), func(p driver.Port) bool { return slices.Contains(together, p) })
	if err := free(own); err != nil {
		return nil, err
	}
	if len(together) > 0 {
		d.sharing.Lock()
		defer d.sharing.Unlock()
		defer func() {
			if err != nil {
				err = errors.Join(err, d.leaveLocked(n.Name))
			}
		}()
		if err := d.accompany(n, launch, env); err != nil {
			return nil, err
		}
		launch.Companion = nil // of this node alone
	}
	if err := f.writeFiles(place, launch.Files); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "writing the files of node %s", n.Name)
	}
	r = record{Node: n.Name, Launch: hash}
	return d.launch(f, r, e, s, launch, env)
}

// launch starts the companion and the node. After an error neither runs.
func (d *Driver) launch(f folder, r record, e engine, s driver.Software, l driver.Launch, env []string) (i driver.Instance, err error) {
	var socket *notifySocket
	defer func() {
		if err == nil {
			return
		}
		if socket != nil {
			socket.close()
		}
		err = errors.Join(err, f.sweep(r), f.write(record{Node: r.Node}))
	}()
	mainEnv := env
	if e.notifies {
		if socket, err = listenNotify(string(f)); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "listening for the readiness of node %s", r.Node)
		}
		r.Socket = socket.temporary
		mainEnv = append(slices.Clone(env), "NOTIFY_SOCKET="+socket.path)
	}
	out, begin, err := f.output()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "opening the output of node %s", r.Node)
	}
	defer out.Close()
	r.Output = begin
	if len(l.Companion) > 0 {
		p, err := fork(f, out, env, l.Companion)
		if err != nil {
			return nil, err
		}
		r.Companion = p.ident
		p.close()
	}
	main, err := fork(f, out, mainEnv, l.Command)
	if err != nil {
		return nil, err
	}
	r.Main = main.ident
	if err := f.write(r); err != nil {
		main.signal(syscall.SIGKILL)
		main.wait(nil, killTimeout)
		main.close()
		return nil, err
	}
	w := d.watch(r.Node, f, r, main, socket)
	w.env, w.programs = env, s.Programs
	if socket == nil {
		w.setReady()
	}
	return w, nil
}

// fork starts a command in a session of its own.
func fork(f folder, out *os.File, env, command []string) (*proc, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "starting %s", command[0])
	}
	defer null.Close()
	pid, err := syscall.ForkExec(command[0], command, &syscall.ProcAttr{
		Dir: string(f), Env: env, Files: []uintptr{null.Fd(), out.Fd(), out.Fd()},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "starting %s", command[0])
	}
	return openChild(pid), nil
}

// environment is what the processes of a node see: nothing of the runtime's own but
// the path, since the software may need programs that only that finds.
func environment(f folder, p driver.Place, s driver.Software, more []string) []string {
	var path []string
	for _, name := range []string{"epmd", "rabbitmqctl"} {
		if program := s.Programs[name]; program != "" {
			path = append(path, filepath.Dir(program))
		}
	}
	path = append(path, filepath.SplitList(os.Getenv("PATH"))...)
	path = append(path, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
	env := []string{
		"PATH=" + strings.Join(slices.Compact(path), ":"), "HOME=" + p.Home, "LANG=C.UTF-8",
		markVariable + "=" + string(f),
	}
	for _, entry := range more {
		name, _, _ := strings.Cut(entry, "=")
		if name == markVariable || name == "NOTIFY_SOCKET" {
			continue
		}
		// Of two entries, programs see either.
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		env = append(env, entry)
	}
	return env
}

// marked is the environment of a node's processes with the mark of another folder.
func marked(env []string, f folder) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(e string) bool { return strings.HasPrefix(e, markVariable+"=") })
	return append(env, markVariable+"="+string(f))
}

// free reports as a fault.Conflict that somebody else listens where a node would.
func free(ports []driver.Port) error {
	for _, p := range ports {
		awaitForks()
		l, err := net.Listen("tcp", p.Public.String())
		if errors.Is(err, syscall.EADDRINUSE) {
			return fault.New(fault.Conflict, "port %s (%s) is in use by another program: end it", p.Public, p.Name)
		}
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "node cannot listen at %s (%s)", p.Public, p.Name)
		}
		l.Close()
	}
	return nil
}

// awaitForks waits for forks under way: until its exec, a child holds on to ports that
// this process has closed.
func awaitForks() {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
}

const (
	stopTimeout = time.Minute      // for a node to end well, where nobody says how long
	killTimeout = 10 * time.Second // for one to be gone that was killed
	termTimeout = 2 * time.Second  // for a companion to end well
)
