package docker

import (
	"context"
	"maps"
	"net/netip"
	"path"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// The labels of what is ours. Those of a node stand beside them, with the prefix too.
const (
	labelPrefix = "millrace."
	labelData   = labelPrefix + "data"   // which data folder's
	labelNode   = labelPrefix + "node"   // the node's name
	labelLaunch = labelPrefix + "launch" // the hash of what it was started with
	labelProbe  = labelPrefix + "probe"  // of containers that live for a question
)

const (
	configFolder = "/etc/millrace"
	stopTimeout  = time.Minute // for a node to end well, where nobody says how long
)

// logs bounds what the engine keeps of a container's output.
var logs = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "2"}}

// containerName is the name of a node's container and of its volume.
func (d *Driver) containerName(node string) string { return "millrace-" + d.data + "-" + node }

// place is where a node's software runs, in a container.
func place(e engine, n driver.Node, s driver.Software) driver.Place {
	p := driver.Place{
		Config: configFolder, Home: e.home, Data: e.home + "/data", Logs: e.home + logFolder,
		Host: "localhost", Listen: map[string]netip.AddrPort{}, Software: s,
	}
	for _, port := range n.Ports {
		addr := netip.IPv4Unspecified()
		if port.Private && n.Members == nil { // nor do other containers reach it
			addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		p.Listen[port.Name] = netip.AddrPortFrom(addr, port.Inside)
	}
	if n.Members != nil {
		p.Host, p.Hosts = n.Name, map[string]string{}
		for _, m := range n.Members {
			p.Hosts[m] = m
		}
	}
	return p
}

// Start implements driver.Driver.
func (d *Driver) Start(ctx context.Context, n driver.Node, s driver.Software) (driver.Instance, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	e, ok := engines[s.Engine]
	if !ok {
		return nil, fault.New(fault.NotFound, "Millrace does not run %.40q in Docker", s.Engine)
	}
	img, err := d.inspect(ctx, s.Source)
	if err != nil {
		return nil, err
	}
	p := place(e, n, s)
	launch, err := n.Render(p)
	if err != nil {
		return nil, err
	}
	if err := launch.Validate(p); err != nil {
		return nil, err
	}
	hash := launch.Hash(n, driver.Software{Source: img.id, Version: s.Version})
	id, earlier, err := d.adopt(ctx, n, hash)
	if err != nil {
		return nil, err
	}
	adopted := id != ""
	if !adopted {
		if earlier != nil {
			launch.Files = append(launch.Files, driver.File{Path: path.Join(p.Logs, earlierFile), Contents: earlier, Mode: 0o600})
		}
		if id, err = d.launch(ctx, n, e, img, p, launch, hash); err != nil {
			return nil, err
		}
	}
	o, err := d.owner(ctx, id, img, e)
	if err != nil {
		return nil, err
	}
	return d.instance(n.Name, id, o, adopted), nil
}

// adopt returns the container of a node that runs as it should. Any other of that
// node is ended and removed; its output is returned, for the next one to have.
func (d *Driver) adopt(ctx context.Context, n driver.Node, hash string) (id string, earlier []byte, err error) {
	old, err := d.containers(ctx, n.Name)
	if err != nil {
		return "", nil, err
	}
	for _, c := range old {
		if id == "" && c.State == container.StateRunning && c.Labels[labelLaunch] == hash {
			id = c.ID
			continue
		}
		if c.State == container.StateRunning {
			ending, cancel := context.WithTimeout(ctx, stopTimeout)
			err := d.stopContainer(ending, c.ID)
			cancel()
			if err != nil {
				return "", nil, err
			}
		}
		if output, err := d.output(ctx, c); err != nil {
			d.log.Warn("the output of a node until now is lost", "node", n.Name, "err", err)
		} else {
			earlier = append(earlier, output...)
		}
		if err := d.removeContainer(ctx, c.ID); err != nil {
			return "", nil, err
		}
	}
	return id, earlier, nil
}

// launch creates a node's container, and its volume when there is none yet, and
// starts it. After an error the container is gone.
func (d *Driver) launch(ctx context.Context, n driver.Node, e engine, img image, p driver.Place, l driver.Launch, hash string) (id string, err error) {
	name := d.containerName(n.Name)
	labels := map[string]string{}
	for k, v := range n.Labels {
		labels[labelPrefix+k] = v
	}
	maps.Copy(labels, map[string]string{labelData: d.data, labelNode: n.Name})
	if err := d.volume(ctx, name, labels); err != nil {
		return "", err
	}
	joined, err := d.network(ctx, n)
	if err != nil {
		return "", err
	}
	labels[labelLaunch] = hash
	exposed, published := network.PortSet{}, network.PortMap{}
	for _, p := range n.Ports {
		if p.Private {
			continue
		}
		inside, _ := network.PortFrom(p.Inside, network.TCP)
		exposed[inside] = struct{}{}
		published[inside] = append(published[inside], network.PortBinding{HostIP: p.Public.Addr(), HostPort: strconv.Itoa(int(p.Public.Port()))})
	}
	made, err := call(ctx, d, "creating container "+name, func(ctx context.Context) (client.ContainerCreateResult, error) {
		return d.client.ContainerCreate(ctx, client.ContainerCreateOptions{
			Name:   name,
			Config: &container.Config{Image: img.id, Hostname: n.Name, Env: l.Env, Labels: labels, ExposedPorts: exposed},
			HostConfig: &container.HostConfig{
				NetworkMode:   container.NetworkMode(joined),
				PortBindings:  published,
				RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
				LogConfig:     logs,
				Mounts:        []mount.Mount{{Type: mount.TypeVolume, Source: name, Target: e.home}},
			},
			NetworkingConfig: endpoint(joined, n),
		})
	})
	if errdefs.IsConflict(err) {
		return "", fault.Wrap(fault.Conflict, err, "there is a container %s that Millrace has not made: remove or rename it", name)
	}
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.timeout)
			defer cancel()
			if left := d.removeContainer(ctx, made.ID); left != nil {
				d.log.Warn("a container is left over", "container", name, "err", left)
			}
		}
	}()
	o, err := d.owner(ctx, made.ID, img, e)
	if err != nil {
		return "", err
	}
	if err := d.writeFiles(ctx, made.ID, p, l.Files, o); err != nil {
		return "", err
	}
	_, err = call(ctx, d, "starting container "+name, func(ctx context.Context) (client.ContainerStartResult, error) {
		return d.client.ContainerStart(ctx, made.ID, client.ContainerStartOptions{})
	})
	return made.ID, err
}

// volume makes a node's volume, or takes the one that is there, when it is ours.
func (d *Driver) volume(ctx context.Context, name string, labels map[string]string) error {
	got, err := call(ctx, d, "looking at volume "+name, func(ctx context.Context) (client.VolumeInspectResult, error) {
		return d.client.VolumeInspect(ctx, name, client.VolumeInspectOptions{})
	})
	if err == nil {
		if got.Volume.Labels[labelData] != d.data || got.Volume.Labels[labelNode] != labels[labelNode] {
			return fault.New(fault.Conflict, "there is a volume %s that Millrace has not made: remove it", name)
		}
		return nil
	}
	if !errdefs.IsNotFound(err) {
		return err
	}
	d.marking.Lock()
	defer d.marking.Unlock()
	if err := d.mark(); err != nil {
		return err
	}
	_, err = call(ctx, d, "creating volume "+name, func(ctx context.Context) (client.VolumeCreateResult, error) {
		return d.client.VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Labels: labels})
	})
	return err
}
