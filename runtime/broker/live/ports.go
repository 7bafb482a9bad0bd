package live

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"millrace/runtime/broker/engine"
	"millrace/runtime/fault"
)

// Ports are given out in [firstPort, ephemeral): below are those of well-known
// services, above those that the system gives to whoever connects somewhere, which may
// be in use when a broker comes back.
const firstPort = 20000

// defaultEphemeral is where ephemeral ports begin when the system does not say: on
// Linux. Elsewhere they begin higher.
const defaultEphemeral = 32768

// choosePort finds a port for a broker: the wanted one, when nobody has it, else one of
// the broker's own, which a hash of its id and of the port's name spreads, so that
// runtimes side by side seldom meet. taken reports which ports other brokers have
// been given, running or not.
func choosePort(host netip.Addr, wanted uint16, id, name string, taken func(uint16) bool) (uint16, error) {
	if wanted != 0 && !taken(wanted) && free(host, wanted) == nil {
		return wanted, nil
	}
	limit := ephemeral()
	h := fnv.New32a()
	h.Write([]byte(id + " " + name))
	span := uint32(limit - firstPort)
	var err error
	for i := range min(span, 1000) {
		port := uint16(firstPort + (h.Sum32()+i)%span)
		if taken(port) {
			continue
		}
		if err = free(host, port); err == nil {
			return port, nil
		}
	}
	return 0, fault.Wrap(fault.Unavailable, err, "No port between %d and %d is free for a broker.", firstPort, limit)
}

// free reports why nobody could listen at a port now; nil when somebody could.
func free(host netip.Addr, port uint16) error {
	l, err := net.Listen("tcp", netip.AddrPortFrom(host, port).String())
	if err != nil {
		return err
	}
	return l.Close()
}

// taken reports as a fault.Conflict that somebody listens where a node that has ended
// would: seconds go by from its launch until it listens.
func taken(n engine.Node) error {
	for _, p := range n.Ports {
		if p.Shared { // another member's companion may serve it
			continue
		}
		if free(p.Public.Addr(), p.Public.Port()) != nil {
			return fault.New(fault.Conflict, "port %s (%s) is in use by another program: end it", p.Public, p.Name)
		}
	}
	return nil
}

// ephemeral is the first port that the system gives to connections.
func ephemeral() uint16 {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return defaultEphemeral
	}
	low, err := firstNumber(string(b))
	if err != nil || low < firstPort+1000 {
		return defaultEphemeral
	}
	return low
}

func firstNumber(text string) (uint16, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return 0, errors.New("no number")
	}
	n, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return 0, fmt.Errorf("reading the range of ephemeral ports: %w", err)
	}
	return uint16(n), nil
}
