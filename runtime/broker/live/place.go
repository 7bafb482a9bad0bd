package live

import (
	"context"
	"crypto/rand"
	"net/netip"
	"slices"

	"millrace/runtime/broker"
	"millrace/runtime/broker/driver"
	"millrace/runtime/broker/engine"
)

// place gives a broker all that it keeps for its life, or finds what it was given.
func (r *Runner) place(ctx context.Context, eng engine.Engine, d broker.Desired, p placement, drv string, nodes int) (engine.Broker, placement, error) {
	r.placing.Lock()
	defer r.placing.Unlock()
	b := engine.Broker{Desired: d, Plain: r.config.Plain, Host: r.config.Shown, Served: p.Served}
	var s secrets
	var err error
	if p.ID == "" {
		p = placement{ID: d.ID, Account: d.Account, Region: d.Region, Driver: drv, Folder: r.config.Folder}
		s.Seed, err = eng.Seed(d, rand.Reader)
	} else {
		s, err = p.open(r.config.Keys)
	}
	if err != nil {
		return b, p, err
	}
	site, err := r.site(p)
	if err != nil {
		return b, p, err
	}
	if b.Root, err = site.CA.Root(); err != nil {
		return b, p, err
	}
	if s.TLS, err = site.CA.Leaf(s.TLS, r.names(d), []netip.Addr{r.config.Host, netip.MustParseAddr("127.0.0.1")}); err != nil {
		return b, p, err
	}
	b.Seed, b.TLS = s.Seed, s.TLS
	if nodes > 1 && p.Front == nil {
		p.Front = map[string]uint16{}
	}
	if b.Front, err = r.front(eng, d, p, nodes); err != nil {
		return b, p, err
	}
	for n := range nodes {
		if len(p.Nodes) == n {
			p.Nodes = append(p.Nodes, map[string]uint16{})
		}
		ports, err := r.ports(eng, d, p, n, nodes > 1)
		if err != nil {
			return b, p, err
		}
		b.Nodes = append(b.Nodes, engine.Node{Name: node(d.ID, n), Ports: ports})
	}
	if err := p.seal(r.config.Keys, s); err != nil {
		return b, p, err
	}
	return b, p, r.placements.put(ctx, p)
}

// front are the ports of the endpoint before the nodes of a cluster; nil for a single node.
func (r *Runner) front(eng engine.Engine, d broker.Desired, p placement, nodes int) ([]driver.Port, error) {
	if nodes == 1 {
		return nil, nil
	}
	ports := slices.DeleteFunc(eng.Ports(d, r.config.Plain), func(p driver.Port) bool { return p.Private })
	return ports, r.give(p, p.Front, ports, d.ID, func(port driver.Port) uint16 { return port.Inside })
}

// ports are those of a node of the placement. Clients know those of a single node, and
// never those of a member.
func (r *Runner) ports(eng engine.Engine, d broker.Desired, p placement, n int, member bool) ([]driver.Port, error) {
	ports := eng.Ports(d, r.config.Plain)
	for _, port := range ports {
		if first, ok := p.Nodes[0][port.Name]; ok && port.Shared {
			p.Nodes[n][port.Name] = first
		}
	}
	return ports, r.give(p, p.Nodes[n], ports, node(d.ID, n), func(port driver.Port) uint16 {
		if port.Private || member {
			return 0
		}
		return port.Inside
	})
}

// give sets the public addresses of ports, as they were given, and gives those that are
// lacking: the one that is wanted if it is free.
func (r *Runner) give(p placement, given map[string]uint16, ports []driver.Port, id string, wanted func(driver.Port) uint16) (err error) {
	taken := func(number uint16) bool { return p.has(number) || r.placements.taken(number) }
	for i, port := range ports {
		number, ok := given[port.Name]
		if !ok {
			if number, err = choosePort(r.config.Host, wanted(port), id, port.Name, taken); err != nil {
				return err
			}
			given[port.Name] = number
		}
		ports[i].Public = netip.AddrPortFrom(r.config.Host, number)
	}
	return nil
}

// names are those that a broker's certificate is for.
func (r *Runner) names(d broker.Desired) []string {
	names := []string{"localhost", d.ID + ".mq." + d.Region + ".amazonaws.com"}
	if _, err := netip.ParseAddr(r.config.Shown); err != nil {
		names = append(names, r.config.Shown)
	}
	return names
}
