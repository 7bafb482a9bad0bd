package script

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// sockets prints the TCP addresses on which the server listens, as Linux tells
// in /proc.
func sockets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: sockets")
	}
	pid := of(ts).server.cmd.Process.Pid
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	ts.Check(err)
	var open []string // "socket:[INODE]"
	for _, f := range files {
		if target, err := os.Readlink(f); err == nil {
			open = append(open, target)
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		for _, line := range strings.Split(ts.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table)), "\n") {
			// proc_pid_net(5): sl local_address rem_address st … inode, with 0A for listening.
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" || !slices.Contains(open, "socket:["+f[9]+"]") {
				continue
			}
			address, err := kernelAddress(f[1])
			ts.Check(err)
			fmt.Fprintln(ts.Stdout(), address)
		}
	}
}

// kernelAddress reads "0100007F:11D6": words of four bytes in the machine's
// order, and the port.
func kernelAddress(s string) (netip.AddrPort, error) {
	ip, port, _ := strings.Cut(s, ":")
	words, err := hex.DecodeString(ip)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for w := range slices.Chunk(words, 4) {
		binary.NativeEndian.PutUint32(w, binary.BigEndian.Uint32(w))
	}
	address, ok := netip.AddrFromSlice(words)
	var n uint16
	if _, err := fmt.Sscanf(port, "%X", &n); err != nil || !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is no address: %w", s, err)
	}
	return netip.AddrPortFrom(address, n), nil
}
