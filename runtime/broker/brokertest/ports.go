package brokertest

import (
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
)

// nextPort goes round 20000 to 31999. Test binaries that run at once begin at places
// of their own.
var nextPort atomic.Uint32

func init() { nextPort.Store(uint32(os.Getpid()) * 97) }

func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	for range 12000 {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(20000+nextPort.Add(1)%12000))
		l, err := net.Listen("tcp", at.String())
		if err == nil {
			l.Close()
			return at
		}
	}
	t.Fatal("no port is free between 20000 and 31999")
	return netip.AddrPort{}
}
