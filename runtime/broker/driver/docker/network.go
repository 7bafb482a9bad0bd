package docker

import (
	"context"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"millrace/runtime/broker/driver"
	"millrace/runtime/fault"
)

// labelMembers is the label of a cluster's network: the names of its members, with
// commas between. So the network is found by any of them, also when no member is left.
const labelMembers = labelPrefix + "members"

// network makes the network in which the members of a cluster reach each other by their
// names, or takes the one that is there, when it is ours, and returns its name, which is
// that of the first member's container. A node that is alone is in the engine's own: "".
func (d *Driver) network(ctx context.Context, n driver.Node) (name string, err error) {
	if n.Members == nil {
		return "", nil
	}
	d.networks.Lock()
	defer d.networks.Unlock()
	name = d.containerName(n.Members[0])
	members := strings.Join(n.Members, ",")
	got, err := call(ctx, d, "looking at network "+name, func(ctx context.Context) (client.NetworkInspectResult, error) {
		return d.client.NetworkInspect(ctx, name, client.NetworkInspectOptions{})
	})
	if err == nil {
		if labels := got.Network.Labels; labels[labelData] != d.data || labels[labelMembers] != members {
			return "", fault.New(fault.Conflict, "there is a network %s that Millrace has not made for this broker: remove it", name)
		}
		return name, nil
	}
	if !errdefs.IsNotFound(err) {
		return "", err
	}
	_, err = call(ctx, d, "creating network "+name, func(ctx context.Context) (client.NetworkCreateResult, error) {
		return d.client.NetworkCreate(ctx, name, client.NetworkCreateOptions{
			Driver: "bridge", Labels: map[string]string{labelData: d.data, labelMembers: members},
		})
	})
	return name, err
}

// endpoint is a node's part of its cluster's network; nil where there is none.
func endpoint(name string, n driver.Node) *network.NetworkingConfig {
	if name == "" {
		return nil
	}
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{name: {Aliases: []string{n.Name}}}}
}

// clusters are the members of the clusters of the data folder that have a network, by
// the names of these.
func (d *Driver) clusters(ctx context.Context) (map[string][]string, error) {
	got, err := call(ctx, d, "listing networks", func(ctx context.Context) (client.NetworkListResult, error) {
		return d.client.NetworkList(ctx, client.NetworkListOptions{Filters: client.Filters{}.Add("label", labelData+"="+d.data, labelMembers)})
	})
	members := map[string][]string{}
	for _, n := range got.Items {
		members[n.Name] = strings.Split(n.Labels[labelMembers], ",")
	}
	return members, err
}

// removeNetwork removes the network of the cluster that a node was a member of, when
// nothing else is left of that.
func (d *Driver) removeNetwork(ctx context.Context, node string) error {
	d.networks.Lock()
	defer d.networks.Unlock()
	clusters, err := d.clusters(ctx)
	if err != nil {
		return err
	}
	for name, members := range clusters {
		if !slices.Contains(members, node) {
			continue
		}
		states, err := d.states(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(states, func(s driver.State) bool { return slices.Contains(members, s.Node) }) {
			continue
		}
		_, err = call(ctx, d, "removing network "+name, func(ctx context.Context) (client.NetworkRemoveResult, error) {
			return d.client.NetworkRemove(ctx, name, client.NetworkRemoveOptions{})
		})
		if err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return nil
}
