package brokertest

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
)

// Tests of several packages run at once, and look whether anything listens at ports that
// they have given up. So each process has a block of ports to itself, below the range of
// ephemeral ports: that of whose first port it is the listener, until it ends.
const (
	firstBlock = 20000
	blocks     = 100
	blockSize  = 120
)

var claimBlock = sync.OnceValues(func() (first int, _ net.Listener) {
	for _, n := range rand.Perm(blocks) {
		first = firstBlock + n*blockSize
		if l, err := net.Listen("tcp", address(first).String()); err == nil {
			return first, l
		}
	}
	return 0, nil
})

var nextPort atomic.Uint32

func address(port int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
}

// freePort finds a port that is free, and that no other process of tests looks at.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	first, claim := claimBlock()
	if claim == nil {
		t.Fatal("no block of ports is free between 20000 and 31999")
	}
	for range blockSize {
		at := address(first + 1 + int(nextPort.Add(1))%(blockSize-1))
		if l, err := net.Listen("tcp", at.String()); err == nil {
			l.Close()
			return at
		}
	}
	t.Fatalf("no port is free between %d and %d", first, first+blockSize-1)
	return netip.AddrPort{}
}
